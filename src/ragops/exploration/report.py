"""The report: one self-contained HTML file, which fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ragops.exploration.advice import advise
from ragops.exploration.maturity_ladder import ladder
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import ALL, Profile
from ragops.exploration.wording import number, share
from ragops.platform.drawing import Picture
from ragops.platform.volumes.open import volume_files
from ragops.usecase import UseCase

_TEMPLATES = Environment(
    loader=PackageLoader("ragops.exploration", "."),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(profile: Profile, use_case: UseCase, schema: str, sections: Mapping[str, Sequence[Picture]]) -> str:
    """The report as HTML; `schema` is its full name, `sections` the pictures by heading."""
    return _TEMPLATES.get_template("report.html.j2").render(
        use_case=use_case,
        schema=schema,
        at=f"{profile.measured_at:%Y-%m-%d %H:%M} UTC",
        tiles=list(tiles(profile, use_case)),
        advice=advise(profile, use_case),
        ladder=ladder(profile, use_case),
        sections={name: list(pictures) for name, pictures in sections.items() if pictures},
        measures=[(name, group, value) for (name, group), value in profile.measures.items()],
    )


def tiles(profile: Profile, use_case: UseCase) -> Iterator[tuple[str, str]]:
    """The key figures at the top, each with its label; those that were not measured are omitted."""
    shown = {
        "documents": (Measures.DOCUMENTS_COUNT, ALL, number),
        "tokens": (Measures.DOCUMENTS_TOKENS, ALL, number),
        "near-duplicates": (Measures.DUPLICATES_NEAR, ALL, number),
        "readable pages": (Measures.DOCUMENTS_PAGES, ALL, number),
        "in quarantine": (Measures.QUARANTINE_COUNT, ALL, number),
        "questions": (Measures.QUESTIONS_COUNT, ALL, number),
        "far from any passage": (Measures.QUESTIONS_FAR_SHARE, ALL, share),
        "answered by five": (Measures.CHUNKING_RECALL_AT_5, str(use_case.chunking.max_tokens), share),
    }
    for name, (measure, group, form) in shown.items():
        if (measure, group) in profile.measures:
            yield name, form(profile.value(measure, group))


def write_report(html: str, folder: Path, name: str) -> Path:
    """Writes the report as NAME.html to `folder`, which is created if it is missing; returns the file.

    Raises:
        UserError: it cannot be written.
    """
    file = folder / f"{name}.html"
    volume_files(folder).write(file, html.encode())
    return file

"""The status page as HTML: one self-contained file, which fetches nothing and runs no script."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ragops.corpus.documents.normalize import normalize
from ragops.monitoring.report.content import StatusPage
from ragops.monitoring.report.wording import how_much, how_sure, moment
from ragops.serving.server.status_files import AGE_MARK


def render(page: StatusPage, *, details: bool = True) -> str:
    """The page.

    Args:
        page: what it shows.
        details: whether it names what a finding is about, the figures behind it, and examples of questions. Not for
            a page that others read than those who may read all documents and questions.
    """
    return _TEMPLATES.get_template("page.html.j2").render(page=page, details=details, age_mark=AGE_MARK)


_TEMPLATES = Environment(
    loader=PackageLoader("ragops.monitoring.report", "."),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    # Without control characters and lone surrogates, which no file in UTF-8 can hold.
    "clean": normalize,
    "how_much": how_much,
    "how_sure": how_sure,
    "moment": moment,
    "words": lambda name: name.replace("_", " "),
}

"""A profile with known numbers, as a run produces it."""

from datetime import UTC, datetime

import pandas as pd

from ragops.corpus.documents.personal import KINDS
from ragops.exploration.profile import ALL, Measure, Profile, measured


def small_profile() -> Profile:
    """Forty notes in two formats and two folders, forty questions, three chunk sizes."""
    profile = Profile(datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    for split, parts in {ALL: {ALL: 40}, "format": {"md": 30, "pdf": 10}, "source": {"a": 25, "b": 15}}.items():
        for part, count in parts.items():
            profile.add(_documents(part if split == ALL else f"{split}={part}", count))
    profile.add([Measure("documents.count", "language=en", 40)])
    profile.add(measured("documents.length", {"128": 10, "512": 30}))
    profile.add(measured("updates.modified", dict.fromkeys(("a day", "a week", "a month"), 10) | {"older": 10}))
    profile.add([Measure("updates.modified_spread_days", ALL, 90), Measure("quarantine.count", ALL, 0)])
    profile.add([Measure("duplicates.near", ALL, 2), Measure("duplicates.exact", ALL, 1)])
    profile.add([Measure("duplicates.pair", "a/x.md = a/y.md", 0.9), Measure("boilerplate.character_share", ALL, 0.02)])
    profile.add([Measure("vocabulary.words", ALL, 9000), Measure("vocabulary.rare_share", ALL, 0.04)])
    profile.add([Measure("vocabulary.pieces_a_word", ALL, 1.2), Measure("vocabulary.many_pieces_share", ALL, 0.01)])
    profile.add(measured("vocabulary.domain_word", {"otter": 900.0, "lynx": 400.0, "heron": 30.0}))
    profile.add(measured("vocabulary.pieces", {"1": 0.9, "2": 0.1}))
    profile.add([Measure("questions.count", ALL, 40), Measure("questions.median_words", ALL, 7)])
    profile.add(measured("questions.kind", {"question": 30, "multi-part": 2, "follow-up": 0, "keyword": 8}))
    profile.add(measured("questions.language", {"en": 38, "unknown": 2}))
    profile.add(measured("questions.words", {"0": 10, "5": 30}))
    profile.add(measured("questions.cluster", {"otter, fish, eats": 25, "bridge, old, under": 15}))
    profile.add(measured("questions.similarity", {"0.3": 4, "0.35": 16, "0.4": 20}))
    profile.add([Measure("questions.close_from", ALL, 0.36), Measure("questions.far_share", ALL, 0.2)])
    for size, found in {"64": 0.5, "200": 0.55, "400": 0.6}.items():
        profile.add(_size(size, found))
    profile.add([Measure("chunking.questions", ALL, 36)])
    profile.points = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 0.5], "source": ["a", "a", "b"]})
    profile.add([Measure("map.same_source_share", ALL, 0.8), Measure("map.same_source_by_chance", ALL, 0.53)])
    return profile


def with_measures(*measures: Measure) -> Profile:
    """The small profile with some numbers added or changed."""
    profile = small_profile()
    profile.add(measures)
    return profile


def _documents(group: str, count: int) -> list[Measure]:
    values = {
        "documents.count": count,
        "documents.tokens": 400 * count,
        "documents.median_tokens": 390,
        "documents.pages": count,
        "parsing.characters_a_page": 1800,
        "parsing.ocr_share": 0.25,
        "parsing.scanty_share": 0,
        "parsing.garbled_share": 0,
        "structure.headings_share": 0.0 if "pdf" in group else 1.0,
        "structure.tables_share": 0.1,
        "structure.code_share": 0.2,
        "readability.school_grade": 11.2,
        **{f"personal.{kind}": 0 for kind in KINDS},
    }
    return [Measure(name, group, value) for name, value in values.items()]


def _size(size: str, found: float) -> list[Measure]:
    spread = {"q05": 0.2, "q25": 0.4, "q50": 0.6, "q75": 0.8, "q95": 1.0}
    tokens = {f"tokens_{name}": int(size) * share for name, share in spread.items()}
    values = tokens | {
        "chunks": 16_000 / int(size),
        "truncated_share": 0.3 if size == "400" else 0.0,
        "unseen_share": 0.1 if size == "400" else 0.0,
        "recall_at_5": found,
        "recall_at_10": found + 0.1,
    }
    return [Measure(f"chunking.{name}", size, value) for name, value in values.items()]

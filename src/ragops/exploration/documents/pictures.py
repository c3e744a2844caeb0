"""Pictures of the documents: how many and how long, how old, repeated, readable, structured."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.profile import Profile
from ragops.exploration.rates import changes_a_day
from ragops.exploration.wording import listed, number, plural, share, split_of
from ragops.platform.drawing import (
    GREEN,
    ORANGE,
    PURPLE,
    Picture,
    axes,
    bars,
    grouped_bars,
    histogram,
    marker,
)

_SHOWN = 8
_SHARES_TO = 0.25
"""Bars of shares end at a quarter or beyond: of a small share nobody should see a long bar."""
_MANY = 0.1


def document_pictures(profile: Profile, model_tokens: int) -> Iterator[Picture]:
    """Sizes, lengths, ages, duplicates, parsing, structure; `model_tokens`: what the model reads at once."""
    yield sizes(profile)
    yield lengths(profile, model_tokens)
    yield ages(profile)
    yield duplicates(profile)
    yield parsing(profile)
    yield structure(profile)
    yield readability(profile)


def sizes(profile: Profile) -> Picture:
    """Where the text is."""
    tokens = _top(split_of(profile.groups("documents.tokens"), "source"))
    formats = _top(split_of(profile.groups("documents.count"), "format"))
    figure, (left, right) = axes(2, height=0.5 + 0.25 * max(len(tokens), len(formats)))
    bars(left, tokens, title="tokens by source")
    bars(right, formats, color=GREEN, title="documents by format")
    total, largest = profile.value("documents.tokens"), next(iter(tokens))
    count, llm = profile.value("documents.count"), profile.value("documents.llm_tokens")
    counted = f" ({number(llm)} as the language model counts)" if llm else ""
    sentence = (
        f"{plural(count, 'document')} hold {number(total)} tokens{counted}; {largest} holds "
        f"{share(tokens[largest] / total)} of them, and the most frequent of {plural(len(formats), 'format')} is "
        f"{next(iter(formats))}."
    )
    return Picture("sizes", "Where the text is", sentence, figure)


def lengths(profile: Profile, model_tokens: int) -> Picture:
    """How long documents are, against what the model reads."""
    found = {int(upto): count for upto, count in profile.groups("documents.length").items()}
    steps = [2**power for power in range(6, max(found).bit_length())]
    figure, (at,) = axes()
    histogram(at, {f"{upto:,}": found.get(upto, 0) for upto in steps}, title="documents", label="up to so many tokens")
    longer = sum(count for upto, count in found.items() if upto > model_tokens) / profile.value("documents.count")
    if steps[-1] > model_tokens:
        marker(at, next(place for place, upto in enumerate(steps) if upto > model_tokens) - 0.5, f"{model_tokens:,}")
    need = "they have to be cut into chunks" if longer > _MANY else "most could be embedded whole"
    sentence = (
        f"The document in the middle has {number(profile.value('documents.median_tokens'))} tokens, and "
        f"{share(longer)} have more than the {model_tokens:,} that the model reads at once: {need}."
    )
    return Picture("lengths", "How long documents are", sentence, figure)


def ages(profile: Profile) -> Picture:
    """When documents were last changed."""
    figure, (at,) = axes(height=2.2)
    histogram(at, profile.groups("updates.modified"), PURPLE, "documents", "last changed within")
    rate = changes_a_day(profile)
    if rate is None:
        sentence = (
            "The files bear dates of one day, so they were copied at once: how often documents change will be known "
            "from the table's history after some days of refreshes."
        )
    else:
        whence = "the table's history" if profile.has("updates.changes_a_day") else "the files' dates"
        sentence = f"By {whence} {rate:.1f} of {plural(profile.value('documents.count'), 'document')} change a day."
    return Picture("ages", "How often documents change", sentence, figure)


def duplicates(profile: Profile) -> Picture:
    """What is said more than once."""
    total, near = profile.value("documents.count"), profile.value("duplicates.near")
    boilerplate = profile.value("boilerplate.character_share")
    figure, (at,) = axes(height=1.3)
    copies = {"exact copies": profile.value("duplicates.exact") / total, "near-duplicates, copies too": near / total}
    bars(at, copies | {"boilerplate, of the text": boilerplate}, "{:.1%}", ORANGE, least=_SHARES_TO)
    pairs = profile.groups("duplicates.pair")
    like = f", such as {next(iter(pairs)).replace(' = ', ' and ')}" if pairs else ""
    meaning = (
        "take copies out first" if max(near / total, boilerplate) > _MANY else "there is nothing to clean up first"
    )
    sentence = (
        f"{share(near / total)} of the documents nearly repeat another{like}, and {share(boilerplate)} of the text are "
        f"paragraphs that stand in three documents or more: {meaning}."
    )
    return Picture("duplicates", "What is said twice", sentence, figure)


def parsing(profile: Profile) -> Picture:
    """Whether files could be read well."""
    pages, failed = split_of(profile.groups("parsing.characters_a_page"), "format"), profile.value("quarantine.count")
    ocr, scanty, garbled = (profile.value(f"parsing.{name}_share") for name in ("ocr", "scanty", "garbled"))
    figure, (left, right) = axes(2, height=1.7)
    bars(left, pages or {"no format has pages": 0}, title="characters a page")
    faults = {"read by OCR": ocr, "under 200 characters a page": scanty, "over 1 % garbled": garbled}
    whole = profile.value("documents.count") + failed
    bars(right, faults | {"in quarantine": failed / whole}, "{:.1%}", ORANGE, "documents", _SHARES_TO)
    reasons = [f"{why} ({count:.0f})" for why, count in profile.groups("quarantine.count").items()]
    rest = (
        f"{plural(failed, 'file')} could not be read: {listed(reasons[:3])}" if failed else "every file could be read"
    )
    sentence = f"{share(ocr)} of the documents were read by OCR, {share(garbled)} are garbled, and {rest}."
    return Picture("parsing", "How well files were read", sentence, figure)


def structure(profile: Profile) -> Picture:
    """What a splitter can cut at."""
    parts = ("headings", "tables", "code")
    series = {name: split_of(profile.groups(f"structure.{name}_share"), "format") for name in parts}
    formats = list(series["headings"])[:_SHOWN]
    figure, (at,) = axes()
    grouped_bars(at, formats, {name: [values[one] for one in formats] for name, values in series.items()})
    without = [name for name in formats if series["headings"][name] < _MANY]
    rest = f"; {listed(without)} have none, so there paragraphs alone guide the splitter" if without else ""
    headed, tabled, coded = (profile.value(f"structure.{name}_share") for name in parts)
    sentence = (
        f"{share(headed)} of the documents have headings to cut at, {share(tabled)} have tables and {share(coded)} code"
        f"{rest}."
    )
    return Picture("structure", "What guides the splitter", sentence, figure)


def readability(profile: Profile) -> Picture:
    """How hard the text is."""
    grades = _top(split_of(profile.groups("readability.school_grade"), "source"))
    figure, (at,) = axes(height=0.5 + 0.25 * len(grades))
    bars(at, grades, "{:.1f}", title="years of schooling, by the Coleman-Liau index")
    mean = profile.value("readability.school_grade")
    whom = "anybody" if mean < 9 else "a general reader" if mean < 13 else "specialists"
    answers = "answers may keep its words" if mean < 13 else "answers will have to say it more simply"
    sentence = f"The text asks for {mean:.0f} years of schooling: it is written for {whom}, and {answers}."
    return Picture("readability", "How hard it reads", sentence, figure)


def _top(values: dict[str, float]) -> dict[str, float]:
    return dict(sorted(values.items(), key=lambda pair: -pair[1])[:_SHOWN])

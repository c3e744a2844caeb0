"""Pictures of the documents: size, age, repetition, parsing, structure and readability."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.exploration.wording import listed, number, plural, share
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
"""The axis of shares ends at a quarter or beyond, so that a small share has a short bar."""
_MANY = 0.1
_PARTS = {
    "headings": Measures.STRUCTURE_HEADINGS_SHARE,
    "tables": Measures.STRUCTURE_TABLES_SHARE,
    "code": Measures.STRUCTURE_CODE_SHARE,
}


def document_pictures(profile: Profile, model_tokens: int) -> Iterator[Picture]:
    """All pictures of documents; `model_tokens`: how many tokens the embedding model reads."""
    yield sizes(profile)
    yield lengths(profile, model_tokens)
    yield ages(profile)
    yield duplicates(profile)
    yield parsing(profile)
    yield structure(profile)
    yield readability(profile)


def sizes(profile: Profile) -> Picture:
    """Tokens by source and documents by format."""
    tokens = _top(profile.parts(Measures.DOCUMENTS_TOKENS, "source"))
    formats = _top(profile.parts(Measures.DOCUMENTS_COUNT, "format"))
    figure, (left, right) = axes(2, height=0.5 + 0.25 * max(len(tokens), len(formats)))
    bars(left, tokens, title="tokens by source")
    bars(right, formats, color=GREEN, title="documents by format")
    total, largest = profile.value(Measures.DOCUMENTS_TOKENS), next(iter(tokens))
    count = profile.value(Measures.DOCUMENTS_COUNT)
    llm = profile.value(Measures.DOCUMENTS_LLM_TOKENS, default=0.0)
    counted = f" ({number(llm)} as the language model counts)" if llm else ""
    sentence = (
        f"{plural(count, 'document')} have {number(total)} tokens{counted}; {largest} has "
        f"{share(tokens[largest] / total)} of them, and the most frequent of {plural(len(formats), 'format')} is "
        f"{next(iter(formats))}."
    )
    return Picture("sizes", "Where the text is", sentence, figure)


def lengths(profile: Profile, model_tokens: int) -> Picture:
    """How long documents are, compared with what the model reads."""
    found = {int(upto): count for upto, count in profile.groups(Measures.DOCUMENTS_LENGTH).items()}
    steps = [2**power for power in range(6, max(found).bit_length())]
    figure, (at,) = axes()
    histogram(at, {f"{upto:,}": found.get(upto, 0) for upto in steps}, title="documents", label="tokens, up to")
    count = profile.value(Measures.DOCUMENTS_COUNT)
    longer = sum(count for upto, count in found.items() if upto > model_tokens) / count
    if steps[-1] > model_tokens:
        marker(at, next(x for x, upto in enumerate(steps) if upto > model_tokens) - 0.5, f"{model_tokens:,}")
    need = "they have to be cut into chunks" if longer > _MANY else "most could be embedded whole"
    sentence = (
        f"The median document has {number(profile.value(Measures.DOCUMENTS_MEDIAN_TOKENS))} tokens, and "
        f"{share(longer)} have more than the {model_tokens:,} that the model reads at once: {need}."
    )
    return Picture("lengths", "How long documents are", sentence, figure)


def ages(profile: Profile) -> Picture:
    """When documents were last changed."""
    figure, (at,) = axes(height=2.2)
    histogram(at, profile.groups(Measures.UPDATES_MODIFIED), PURPLE, "documents", "last changed within")
    rate = profile.changes_a_day()
    if rate is None:
        sentence = (
            "All files are dated within one day, so they were copied at once: how often documents change will be known "
            "from the table's history after some days of refreshes."
        )
    else:
        basis = "the table's history" if profile.has(Measures.UPDATES_CHANGES_A_DAY) else "the files' dates"
        count = plural(profile.value(Measures.DOCUMENTS_COUNT), "document")
        sentence = f"By {basis} {rate:.1f} of {count} change a day."
    return Picture("ages", "How often documents change", sentence, figure)


def duplicates(profile: Profile) -> Picture:
    """Copies and boilerplate."""
    total, near = profile.value(Measures.DOCUMENTS_COUNT), profile.value(Measures.DUPLICATES_NEAR)
    exact = profile.value(Measures.DUPLICATES_EXACT)
    boilerplate = profile.value(Measures.BOILERPLATE_CHARACTER_SHARE)
    figure, (at,) = axes(height=1.3)
    copies = {"exact copies": exact / total, "near-duplicates, with copies": near / total}
    bars(at, copies | {"boilerplate, of the text": boilerplate}, "{:.1%}", ORANGE, least=_SHARES_TO)
    pairs = profile.groups(Measures.DUPLICATES_PAIR)
    example = f", such as {next(iter(pairs)).replace(' = ', ' and ')}" if pairs else ""
    many = max(near / total, boilerplate) > _MANY
    sentence = (
        f"{share(near / total)} of the documents nearly repeat another one{example}, and {share(boilerplate)} of the "
        f"text is paragraphs found in three documents or more: "
        f"{'remove copies first' if many else 'nothing has to be cleaned up first'}."
    )
    return Picture("duplicates", "Repetition", sentence, figure)


def parsing(profile: Profile) -> Picture:
    """Whether files could be read well."""
    pages = profile.parts(Measures.PARSING_CHARACTERS_A_PAGE, "format")
    failed = profile.value(Measures.QUARANTINE_COUNT)
    ocr, garbled = profile.value(Measures.PARSING_OCR_SHARE), profile.value(Measures.PARSING_GARBLED_SHARE)
    scanty = profile.value(Measures.PARSING_SCANTY_SHARE, default=0.0)  # not measured if no format has pages
    figure, (left, right) = axes(2, height=1.7)
    bars(left, pages or {"no format has pages": 0}, title="characters per page")
    faults = {"read by OCR": ocr, "under 200 characters a page": scanty, "over 1 % garbled": garbled}
    whole = profile.value(Measures.DOCUMENTS_COUNT) + failed
    bars(right, faults | {"in quarantine": failed / whole}, "{:.1%}", ORANGE, "documents", _SHARES_TO)
    reasons = [f"{why} ({count:.0f})" for why, count in profile.groups(Measures.QUARANTINE_COUNT).items()]
    rest = (
        f"{plural(failed, 'file')} could not be read: {listed(reasons[:3])}" if failed else "every file could be read"
    )
    sentence = f"{share(ocr)} of the documents were read by OCR, {share(garbled)} are garbled, and {rest}."
    return Picture("parsing", "How well files were read", sentence, figure)


def structure(profile: Profile) -> Picture:
    """The structure that a splitter can use."""
    series = {name: profile.parts(measure, "format") for name, measure in _PARTS.items()}
    formats = list(series["headings"])[:_SHOWN]
    figure, (at,) = axes()
    grouped_bars(at, formats, {name: [values[one] for one in formats] for name, values in series.items()})
    without = [name for name in formats if series["headings"][name] < _MANY]
    rest = f"; {listed(without)} have none, so only paragraphs guide the splitter there" if without else ""
    headings, tables, code = (profile.value(measure) for measure in _PARTS.values())
    sentence = (
        f"{share(headings)} of the documents have headings to split at, {share(tables)} have tables and {share(code)} "
        f"code{rest}."
    )
    return Picture("structure", "What guides the splitter", sentence, figure)


def readability(profile: Profile) -> Picture:
    """How hard the text is to read."""
    grades = _top(profile.parts(Measures.READABILITY_SCHOOL_GRADE, "source"))
    figure, (at,) = axes(height=0.5 + 0.25 * len(grades))
    bars(at, grades, "{:.1f}", title="years of schooling, by the Coleman-Liau index")
    mean = profile.value(Measures.READABILITY_SCHOOL_GRADE)
    audience = "everyone" if mean < 9 else "a general reader" if mean < 13 else "specialists"
    answers = "answers may keep its words" if mean < 13 else "answers will have to use simpler words"
    sentence = f"The text requires {mean:.0f} years of schooling: it is written for {audience}, and {answers}."
    return Picture("readability", "How hard the text is", sentence, figure)


def _top(values: dict[str, float]) -> dict[str, float]:
    return dict(sorted(values.items(), key=lambda pair: -pair[1])[:_SHOWN])

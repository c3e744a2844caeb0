"""Equations of Word and PowerPoint (OMML) as LaTeX, with symbols as they are: a search for α finds it.

The only library that does this is a module of markitdown, whose import takes four seconds and 180 MB.
"""

from collections.abc import Callable, Iterable

from lxml import etree

from ragops.corpus.documents.parsers.ooxml import q

_SUMS = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint", "⋃": r"\bigcup", "⋂": r"\bigcap"}
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "overline", "\u0307": "dot",
            "\u0308": "ddot", "\u20d7": "vec"}  # fmt: skip


def latex(math: etree._Element) -> str:
    """An `m:oMath` as LaTeX without dollar signs."""
    return " ".join(_all(math).split())


def _all(parent: etree._Element | None) -> str:
    return "" if parent is None else "".join(_one(child) for child in parent)


def _one(element: etree._Element) -> str:
    if not isinstance(element.tag, str):
        return ""
    name = etree.QName(element).localname
    if name in ("r", "t"):
        return "".join(text.text or "" for text in element.iter(q("m:t"), q("w:t"), q("a:t")))
    convert = _STRUCTURES.get(name)
    if convert:
        return convert(element)
    return "" if name.endswith("Pr") or name in ("del", "moveFrom") else _all(element)


def _child(element: etree._Element, name: str) -> str:
    return _all(element.find(q(f"m:{name}")))


def _property(element: etree._Element, name: str, default: str = "") -> str:
    """The value of a structure's property, for example the character of its brackets."""
    found = element.find(f"{q('m:' + etree.QName(element).localname + 'Pr')}/{q('m:' + name)}")
    return default if found is None else found.get(q("m:val"), "")


def _fraction(element: etree._Element) -> str:
    command = r"\binom" if _property(element, "type") == "noBar" else r"\frac"
    return f"{command}{{{_child(element, 'num')}}}{{{_child(element, 'den')}}}"


def _scripts(element: etree._Element) -> str:
    base, sub, sup = (_child(element, name) for name in ("e", "sub", "sup"))
    scripts = (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
    return f"{{}}{scripts}{base}" if etree.QName(element).localname == "sPre" else base + scripts


def _radical(element: etree._Element) -> str:
    degree = _child(element, "deg")
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_child(element, 'e')}}}"


def _sum(element: etree._Element) -> str:
    character = _property(element, "chr", "∫")
    sub, sup = _child(element, "sub"), _child(element, "sup")
    limits = (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
    return f"{_SUMS.get(character, character)}{limits} {_child(element, 'e')}"


def _brackets(element: etree._Element) -> str:
    inner = _property(element, "sepChr", "|").join(_all(each) for each in element.findall(q("m:e")))
    return _property(element, "begChr", "(") + inner + _property(element, "endChr", ")")


def _function(element: etree._Element) -> str:
    return f"{_child(element, 'fName')} {_child(element, 'e')}"


def _accent(element: etree._Element) -> str:
    command = _ACCENTS.get(_property(element, "chr", "\u0302"), "hat")
    return rf"\{command}{{{_child(element, 'e')}}}"


def _limit(mark: str) -> Callable[[etree._Element], str]:
    return lambda element: f"{_child(element, 'e')}{mark}{{{_child(element, 'lim')}}}"


def _rows(rows: Iterable[str]) -> str:
    lines = r" \\ ".join(rows)
    return rf"\begin{{matrix}} {lines} \end{{matrix}}"


def _matrix(element: etree._Element) -> str:
    return _rows(" & ".join(_all(each) for each in row.findall(q("m:e"))) for row in element.findall(q("m:mr")))


def _lines(element: etree._Element) -> str:
    return _rows(_all(each) for each in element.findall(q("m:e")))


_STRUCTURES: dict[str, Callable[[etree._Element], str]] = {
    "f": _fraction,
    "sSub": _scripts,
    "sSup": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts,
    "rad": _radical,
    "nary": _sum,
    "d": _brackets,
    "func": _function,
    "acc": _accent,
    "limLow": _limit("_"),
    "limUpp": _limit("^"),
    "m": _matrix,
    "eqArr": _lines,
}

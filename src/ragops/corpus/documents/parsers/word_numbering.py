"""The numbers that Word computes for headings and lists: they are not in the text, but texts refer to them."""

import re
from dataclasses import dataclass, field, replace

from lxml import etree

from ragops.corpus.documents.parsers.ooxml import q
from ragops.corpus.documents.parsers.word_styles import Styles, is_on

_VAL = q("w:val")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_CHINESE = "零一二三四五六七八九十"
_LEVELS = 9


@dataclass(frozen=True)
class _Level:
    start: int = 1
    format: str = "decimal"
    text: str = ""
    legal: bool = False
    restart: int | None = None
    separator: str = " "
    style: str | None = None


@dataclass
class _List:
    """An abstract list: its levels, and how far each has been counted; None before a level's first number."""

    levels: dict[int, _Level]
    link: str | None = None
    counts: list[int | None] = field(default_factory=lambda: [None] * _LEVELS)


@dataclass
class _Instance:
    """A list as paragraphs name it: an abstract list, and what it changes in it."""

    list_id: str
    starts: dict[int, int]
    levels: dict[int, _Level]


@dataclass(frozen=True)
class Label:
    """What stands before a paragraph: its level from 0, and its number with a separator, '' for a bullet."""

    level: int
    text: str


class Numbering:
    """Counts the paragraphs of a document, which must be given in their order."""

    def __init__(self, root: etree._Element | None, styles: Styles) -> None:
        """`root` is that of `numbering.xml`; None for a file without lists."""
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._instances: dict[str, _Instance] = {}
        for element in root.iter(q("w:abstractNum")) if root is not None else ():
            link = element.find(q("w:numStyleLink"))
            levels = dict(_level(each) for each in element.findall(q("w:lvl")))
            name = element.get(q("w:abstractNumId"), "")
            self._lists[name] = _List(levels, link.get(_VAL) if link is not None else None)
        for element in root.findall(q("w:num")) if root is not None else ():
            self._instances[element.get(q("w:numId"), "")] = _instance(element)

    def label(self, paragraph: etree._Element) -> Label | None:
        """The label of the next paragraph of the document; None if it is not part of a list."""
        place = self._place(paragraph)
        return None if place is None else self._next(*place)

    def _place(self, paragraph: etree._Element) -> tuple[_Instance, _List, int] | None:
        """The list and level of a paragraph, from its own properties and those of its style."""
        own = paragraph.find(q("w:pPr/w:numPr"))
        number, level = (own.find(q("w:numId")), own.find(q("w:ilvl"))) if own is not None else (None, None)
        list_id = number.get(_VAL) if number is not None else None
        index = level.get(_VAL) if level is not None else None
        of_style = self._styles.numbering(self._styles.of_paragraph(paragraph))
        named_by = None
        if list_id is None and of_style is not None:
            list_id, style_level, named_by = of_style
            index = index or style_level
        found = self._find(list_id)
        if found is None:
            return None
        instance, counted = found
        if named_by is not None:
            linked = (i for i, each in counted.levels.items() if each.style == named_by)
            index = index or str(next(linked, 0))
        return instance, counted, min(int(index), _LEVELS - 1) if index and index.isdigit() else 0

    def _find(self, list_id: str | None) -> tuple[_Instance, _List] | None:
        """A list by its id; one that only names a numbering style is the list of that style."""
        for _ in range(_LEVELS):
            instance = self._instances.get(list_id or "")
            counted = self._lists.get(instance.list_id) if instance else None
            if instance is None or counted is None:
                return None
            if counted.link is None:
                return instance, counted
            list_id = self._styles.list_of(counted.link)
        return None

    def _next(self, instance: _Instance, counted: _List, index: int) -> Label | None:
        levels = counted.levels | instance.levels
        level = levels.get(index)
        if level is None:
            return None
        counts = counted.counts
        if index in instance.starts:
            counts[index] = instance.starts.pop(index)  # once: the next paragraph goes on from there
        else:
            before = counts[index]
            counts[index] = level.start if before is None else before + 1
        for upper in range(index):
            if counts[upper] is None:
                counts[upper] = levels.get(upper, _Level()).start
        for lower in range(index + 1, _LEVELS):
            restart = levels.get(lower, _Level()).restart
            if restart is None or index < restart:
                counts[lower] = None
        if level.format == "bullet":
            return Label(index, "")
        return Label(index, _filled(level, levels, counts))


def _filled(level: _Level, levels: dict[int, _Level], counts: list[int | None]) -> str:
    """A level's text with the numbers in place of `%1` to `%9`."""

    def number(found: re.Match[str]) -> str:
        index = int(found[1]) - 1
        count = counts[index]
        kind = levels.get(index, _Level()).format
        return "" if count is None else format_number(count, "decimal" if level.legal else kind)

    text = re.sub(r"%([1-9])", number, level.text).strip()
    return text + level.separator if text else ""


def format_number(number: int, kind: str) -> str:
    """A number as one of Word's formats; as decimal for those that are not known."""
    match kind:
        case "none":
            return ""
        case "decimalZero":
            return f"{number:02d}"
        case "lowerRoman" | "upperRoman":
            return _roman(number) if kind == "lowerRoman" else _roman(number).upper()
        case "lowerLetter" | "upperLetter":
            return _letters(number, _LATIN if kind == "lowerLetter" else _LATIN.upper())
        case "russianLower" | "russianUpper":
            return _letters(number, _RUSSIAN if kind == "russianLower" else _RUSSIAN.upper())
        case "ordinal":
            suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
            return f"{number}{suffix}"
        case "chineseCounting" | "chineseCountingThousand" | "japaneseCounting" | "ideographDigital":
            return _chinese(number)
        case _:
            return str(number)


def _letters(number: int, alphabet: str) -> str:
    """One letter, then two equal ones and more, as Word goes on after z."""
    times, index = divmod(number - 1, len(alphabet))
    return alphabet[index] * (times + 1) if 0 <= times < 10 else str(number)


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _chinese(number: int) -> str:
    if not 0 <= number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _CHINESE[ones]
    return (_CHINESE[tens] if tens > 1 else "") + "十" + (_CHINESE[ones] if ones else "")


def _instance(element: etree._Element) -> _Instance:
    name = element.find(q("w:abstractNumId"))
    starts, levels = {}, {}
    for override in element.findall(q("w:lvlOverride")):
        index = int(override.get(q("w:ilvl"), "0"))
        start, level = override.find(q("w:startOverride")), override.find(q("w:lvl"))
        if level is not None:
            levels[index] = _level(level)[1]
        if start is not None:
            starts[index] = int(start.get(_VAL, "1"))
            if index in levels:
                levels[index] = replace(levels[index], start=starts[index])
    return _Instance(name.get(_VAL, "") if name is not None else "", starts, levels)


def _level(element: etree._Element) -> tuple[int, _Level]:
    def value(name: str, default: str) -> str:
        found = element.find(q(name))
        return default if found is None else found.get(_VAL, default)

    restart = value("w:lvlRestart", "")
    style = value("w:pStyle", "")
    level = _Level(
        start=int(value("w:start", "0")),
        format=value("w:numFmt", "decimal"),
        text=value("w:lvlText", ""),
        legal=is_on(element.find(q("w:isLgl"))),
        restart=int(restart) if restart else None,
        separator="" if value("w:suff", "tab") == "nothing" else " ",
        style=style or None,
    )
    return int(element.get(q("w:ilvl"), "0")), level

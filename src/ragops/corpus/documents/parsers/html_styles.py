"""What a page's styles hide: elements that are not displayed, invisible, of no size, or in the color of their ground.

A parser has no browser, so style sheets of the page itself and `style` attributes are read as far as they hide text.
Sheets of other files are unknown, but the names that frameworks use for hidden text are known.
"""

import re
from collections.abc import Sequence
from itertools import islice

import tinycss2.color4
from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement

from ragops.corpus.documents.parsers.html_sheets import (
    Declarations,
    Rule,
    Specificity,
    declarations,
    rules_of,
)

_HIDING_CLASSES = frozenset({
    "d-none", "hidden", "is-hidden", "invisible", "visually-hidden", "visually-hidden-focusable", "visuallyhidden",
    "sr-only", "screen-reader-text", "screen-reader-only", "govuk-visually-hidden", "usa-sr-only",
    "cdk-visually-hidden", "u-hidden", "w3-hide", "uk-hidden", "a11y-hidden",
})  # fmt: skip
_SHOWN_WIDER = re.compile(r"^(?:d-\w+-(?!none)\w+|\w+:(?:block|flex|grid|inline\S*|table\S*|visible|not-sr-only))$")
_MOST_RULES = 2_000  # that name classes and ids of the page; a saved page of a large site has some hundreds
_LENGTH = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))([a-z]+|%)?")
# Pixels; those of the window's width and height, and of percents, about.
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ch": 8.0, "ex": 8.0, "vw": 12.8, "vh": 8.0,
          "%": 10.0, "in": 96.0, "cm": 37.8, "mm": 3.8}  # fmt: skip
_CLIPPED = re.compile(
    r"rect\(\s*[01](?:px)?[\s,]|inset\((?:50|100)%|circle\(\s*0|polygon\(\s*0(?:px)?[\s,]+0(?:px)?\s*\)"
)
_MOVED = re.compile(r"translate(?:x|y|3d)?\(\s*(?:0(?:px)?\s*,\s*)?(-[\d.]+(?:px|r?em|vw|vh))")
_NO_SIZE = re.compile(r"scale(?:3d|x|y)?\(\s*0(?:\.0+)?\s*[,)]")
_TRANSPARENT = re.compile(r"opacity\(\s*0(?:\.0\d*)?%?\s*\)")
_NO_GROUND = frozenset({"", "none", "transparent", "inherit", "initial", "unset", "0", "0 0"})
_FAR = -500  # pixels
_FAINT = 0.03
_LEGIBLE = 1.5  # pixels
_ALIKE = 0.05  # difference of two colors that nobody tells apart
_Color = tuple[float, float, float]
_PAPER = (1.0, 1.0, 1.0)

_Rank = tuple[bool, Specificity, int]


def hidden_elements(soup: BeautifulSoup, tags: Sequence[Tag]) -> list[PageElement]:
    """Which of a page's elements and texts nobody sees, whatever is clicked.

    What a control on the page opens is kept: panels of tabs and accordions, and the text of `details`.
    """
    styles = _Styles(soup, tags)
    doubtful = [tag for tag in tags if styles.may_hide(tag) and tag.name not in ("html", "body")]
    hidden = [tag for tag in doubtful if styles.hides(tag)]
    opened = _opened_ids(tags) if hidden else set()
    closed = [tag for tag in hidden if id(tag) not in styles.opened and not _is_opened(tag, opened)]
    return [element for tag in closed for element in styles.unseen(tag)]


class _Styles:
    """The declarations that apply to each element of a page.

    Attributes:
        opened: ids of the elements that a sheet shows when a control is used.
    """

    def __init__(self, soup: BeautifulSoup, tags: Sequence[Tag]) -> None:
        self.opened: set[int] = set()
        self._declared: dict[int, dict[str, tuple[_Rank, str]]] = {}
        self._foreign = any(tag.name == "link" and "stylesheet" in tag.get_attribute_list("rel") for tag in tags)
        rules, self._variables = rules_of([sheet.get_text() for sheet in tags if _is_sheet(sheet)])
        names = _names_of(tags) if rules else set()
        matching = (rule for rule in rules if rule.names <= names)
        for order, rule in enumerate(islice(matching, _MOST_RULES)):
            for tag in rule.selected(soup):
                if rule.opens:
                    self.opened.add(id(tag))
                else:
                    self._add(tag, rule, order)

    def _add(self, tag: Tag, rule: Rule, order: int) -> None:
        known = self._declared.setdefault(id(tag), {})
        for name, value in rule.values.items():
            rank = (name in rule.important, rule.specificity, order)
            if name not in known or known[name][0] <= rank:
                known[name] = (rank, value)

    def may_hide(self, tag: Tag) -> bool:
        """Whether anything about the element can hide it: most have neither a style nor a class of that kind."""
        return (
            id(tag) in self._declared
            or tag.has_attr("style")
            or tag.has_attr("hidden")
            or tag.name in ("dialog", "font")
            or not _HIDING_CLASSES.isdisjoint(tag.get_attribute_list("class"))
        )

    def hides(self, tag: Tag) -> bool:
        """Whether the element and all within it are invisible."""
        if tag.has_attr("hidden") and tag["hidden"] != "until-found":
            return True
        if tag.name == "dialog" and not tag.has_attr("open"):
            return True
        classes = [name for name in tag.get_attribute_list("class") if name]
        if not _HIDING_CLASSES.isdisjoint(classes) and not any(_SHOWN_WIDER.match(name) for name in classes):
            return True
        declared = self.of(tag)
        if _is_invisible(declared) or self._has_color_of_ground(tag, declared):
            return True
        return any(is_so(declared) for is_so in _INHERITED.values())

    def unseen(self, tag: Tag) -> list[PageElement]:
        """A hidden element, or its texts where some of the elements inside are shown again."""
        declared = self.of(tag)
        name = next((name for name, is_so in _INHERITED.items() if is_so(declared)), None)
        if name is None or _is_invisible(declared) or tag.find(lambda inner: name in self.of(inner)) is None:
            return [tag]
        return [text for text in tag.find_all(string=True) if self._declaring(text, name) is tag]

    def _declaring(self, text: PageElement, name: str) -> Tag | None:
        return next((parent for parent in text.parents if name in self.of(parent)), None)

    def of(self, tag: Tag) -> Declarations:
        """The values that apply, by name."""
        known = self._declared.get(id(tag), {})
        values = {name: value for name, (_, value) in known.items()}
        if style := tag.get("style"):
            own, important = declarations(str(style), self._variables)
            firm = {name for name, (rank, _) in known.items() if rank[0]}
            values |= {name: value for name, value in own.items() if name not in firm or name in important}
        for name, attribute in (("color", "color"), ("background-color", "bgcolor")):
            if tag.has_attr(attribute) and name not in values:
                values[name] = str(tag[attribute])
        return values

    def _is_colored(self, tag: Tag) -> bool:
        return not {"color", "background", "background-color"}.isdisjoint(self.of(tag))

    def _has_color_of_ground(self, tag: Tag, declared: Declarations) -> bool:
        color = _color(declared.get("color", ""))
        if color is None or tag.find(self._is_colored):
            return False
        for ancestor in [tag, *tag.parents]:
            values = declared if ancestor is tag else self.of(ancestor)
            drawn = values.get("background-color") or values.get("background", "")
            ground = _color(drawn) or next(filter(None, map(_color, drawn.split())), None)
            if ground is None and drawn in _NO_GROUND and values.get("background", "") in _NO_GROUND:
                continue
            pictured = re.search(r"gradient|url\(", values.get("background", ""))
            return ground is not None and not pictured and _is_alike(ground, color)
        return not self._foreign and _is_alike(color, _PAPER)  # unless an unknown sheet says otherwise


def _is_sheet(tag: Tag) -> bool:
    return tag.name == "style" and str(tag.get("media", "all")).strip().lower() in ("", "all", "screen")


def _names_of(tags: Sequence[Tag]) -> set[str]:
    """Classes and ids of the page's elements, as selectors name them."""
    names = {f".{name}" for tag in tags for name in tag.get_attribute_list("class") if name}
    return names | {f"#{tag['id']}" for tag in tags if tag.has_attr("id")}


def _is_invisible(values: Declarations) -> bool:
    if values.get("display") == "none" or values.get("content-visibility") == "hidden":
        return True
    if not any(name in values for name in ("transition", "animation")):  # it fades in when the page is scrolled
        transform = values.get("transform", "")
        moved = _MOVED.search(transform)
        if _NO_SIZE.search(transform) or (moved and _pixels(moved[1]) <= _FAR):
            return True
        if not transform and _at_most(values, "opacity", _FAINT):
            return True
        if _TRANSPARENT.search(values.get("filter", "")) or _is_flat(values):
            return True
    return _is_away(values)


def _is_flat(values: Declarations) -> bool:
    overflow = {values.get(name) for name in ("overflow", "overflow-x", "overflow-y")}
    if overflow.isdisjoint({"hidden", "clip"}):
        return False
    no_height = _at_most(values, "height", 0) or _at_most(values, "max-height", 0) or _at_most(values, "max-width", 0)
    return no_height or all(_at_most(values, side, 1) for side in ("width", "height"))


def _is_away(values: Declarations) -> bool:
    """Whether it stands outside of the window, or all of it is cut off."""
    if values.get("position") in ("absolute", "fixed", "relative"):
        clipped = _CLIPPED.search(f"{values.get('clip')} {values.get('clip-path')}")
        if clipped or any(_at_most(values, side, _FAR) for side in ("left", "top", "right", "bottom", "inset")):
            return True
    return any(_at_most(values, name, _FAR) for name in ("text-indent", "margin-left", "margin-top"))


def _is_too_small(values: Declarations) -> bool:
    size = values.get("font-size", "")
    percent = size.endswith("%")
    return bool(_LENGTH.fullmatch(size)) and _pixels(size) * (0.016 if percent else 1) <= _LEGIBLE


def _is_transparent(values: Declarations) -> bool:
    """Whether the letters are; not those that a picture shines through."""
    if "text" in (values.get("background-clip"), values.get("-webkit-background-clip")) or "text-shadow" in values:
        return False
    color = values.get("-webkit-text-fill-color") or values.get("color", "")
    parsed = tinycss2.color4.parse_color(color) if color else None
    return parsed is not None and parsed != "currentcolor" and parsed.alpha == 0


# Properties that elements inside may set again, by the test of what hides.
_INHERITED = {
    "visibility": lambda values: values.get("visibility") in ("hidden", "collapse"),
    "font-size": _is_too_small,
    "color": _is_transparent,
}


def _pixels(length: str) -> float:
    found = _LENGTH.match(length)
    return float(found[1]) * _UNITS.get(found[2] or "", 1.0) if found else 0.0


def _at_most(values: Declarations, name: str, limit: float) -> bool:
    """Whether a value begins with a length up to `limit` pixels."""
    value = values.get(name, "")
    return _LENGTH.match(value) is not None and _pixels(value) <= limit


def _is_alike(one: _Color, other: _Color) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _ALIKE


def _color(value: str) -> _Color | None:
    """Red, green and blue from 0 to 1; None for no color, or a transparent one."""
    color = tinycss2.color4.parse_color(value.strip()) if value else None
    if color is None or color == "currentcolor" or color.alpha == 0:
        return None
    red, green, blue = (part or 0.0 for part in color.to("srgb").coordinates)
    return red, green, blue


_REFERENCES = ("aria-controls", "data-target", "data-bs-target", "href", "aria-owns", "popovertarget")


def _opened_ids(tags: Sequence[Tag]) -> set[str]:
    """Ids that a control of the page refers to."""
    values = " ".join(str(tag[name]) for tag in tags for name in _REFERENCES if tag.has_attr(name))
    named = {word.removeprefix("#") for word in values.split()}
    clicks = " ".join(str(tag["onclick"]) for tag in tags if tag.has_attr("onclick"))
    return named | set(re.findall(r"['\"]#?([\w-]+)['\"]", clicks))


def _is_opened(tag: Tag, opened: set[str]) -> bool:
    """Whether a click shows a hidden element: it is a control's panel, or follows a button or a head with a script."""
    if tag.name == "dialog":
        return False
    if tag.get("role") == "tabpanel" or str(tag.get("id", "")) in opened - {""}:
        return True
    before = tag.find_previous_sibling()
    if before is None:
        return False
    heads = [before, *before.find_all(True, limit=3)]
    return any(head.name == "button" or head.has_attr("onclick") or head.has_attr("aria-expanded") for head in heads)

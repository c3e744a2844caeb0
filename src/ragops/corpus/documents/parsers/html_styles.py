"""What a page's styles hide: elements that are not displayed, invisible, of no size, or in the color of their ground.

A parser has no browser, so style sheets of the page itself and `style` attributes are read as far as they hide text.
Sheets of other files are unknown, but the names that frameworks use for hidden text are known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import soupsieve
import tinycss2
import tinycss2.color4
from bs4 import BeautifulSoup, Tag

_HIDING_CLASSES = frozenset({
    "d-none", "hidden", "is-hidden", "invisible", "visually-hidden", "visually-hidden-focusable", "visuallyhidden",
    "sr-only", "screen-reader-text", "screen-reader-only", "govuk-visually-hidden", "usa-sr-only",
    "cdk-visually-hidden", "u-hidden", "w3-hide", "uk-hidden", "a11y-hidden",
})  # fmt: skip
_SHOWN_WIDER = re.compile(r"^(?:d-\w+-(?!none)\w+|\w+:(?:block|flex|grid|inline\S*|table\S*|visible|not-sr-only))$")
_PROPERTIES = frozenset({
    "display", "visibility", "opacity", "font-size", "color", "background", "background-color", "clip", "clip-path",
    "position", "left", "top", "text-indent", "width", "height", "overflow", "transform", "transition", "animation",
})  # fmt: skip
_MOST_RULES = 2_000  # that name classes and ids of the page; a saved page of a large site has some hundreds
_NAMES = re.compile(r"([.#])((?:[\w-]|[^\x00-\x7f])+)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?|-?\.\d+")
_CLIPPED = re.compile(r"rect\(\s*[01](?:px)?[\s,]|inset\((?:50|100)%")
_FAR = -500  # pixels
_ALIKE = 0.05  # difference of two colors that nobody tells apart
_Color = tuple[float, float, float]
_PAPER = (1.0, 1.0, 1.0)

Declarations = dict[str, str]
_Rank = tuple[bool, tuple[int, int, int], int]


@dataclass(frozen=True)
class _Rule:
    selector: str
    values: Declarations
    important: frozenset[str]


def hidden_elements(soup: BeautifulSoup, tags: Sequence[Tag]) -> list[Tag]:
    """Which of a page's elements nobody sees, whatever is clicked.

    What a control on the page opens is kept: panels of tabs and accordions, and the text of `details`.
    """
    styles = _Styles(soup, tags)
    hidden = [tag for tag in tags if styles.may_hide(tag) and tag.name not in ("html", "body") and styles.hides(tag)]
    opened = _opened_ids(tags) if hidden else set()
    return [tag for tag in hidden if not _is_opened(tag, opened)]


class _Styles:
    """The declarations that apply to each element of a page."""

    def __init__(self, soup: BeautifulSoup, tags: Sequence[Tag]) -> None:
        self._declared: dict[int, dict[str, tuple[_Rank, str]]] = {}
        self._foreign = any(tag.name == "link" and "stylesheet" in tag.get_attribute_list("rel") for tag in tags)
        names = _names_of(tags)
        matching = (rule for rule in _rules(tags) if {"".join(name) for name in _NAMES.findall(rule.selector)} <= names)
        for order, rule in enumerate(islice(matching, _MOST_RULES)):
            for tag in _selected(soup, rule.selector):
                self._add(tag, rule, _specificity(rule.selector), order)

    def _add(self, tag: Tag, rule: _Rule, specificity: tuple[int, int, int], order: int) -> None:
        known = self._declared.setdefault(id(tag), {})
        for name, value in rule.values.items():
            rank = (name in rule.important, specificity, order)
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
        return _is_invisible(declared) or self._has_color_of_ground(tag, declared)

    def of(self, tag: Tag) -> Declarations:
        """The values that apply, by name."""
        known = self._declared.get(id(tag), {})
        values = {name: value for name, (_, value) in known.items()}
        if style := tag.get("style"):
            own, important = _declarations(tinycss2.parse_blocks_contents(str(style)))
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
            if "gradient" in values.get("background", "") or "url(" in values.get("background", ""):
                return False
            ground = _color(values.get("background-color") or values.get("background", "").split(" ")[0])
            if ground is not None:
                return _is_alike(ground, color)
        return not self._foreign and _is_alike(color, _PAPER)  # unless an unknown sheet says otherwise


def _names_of(tags: Sequence[Tag]) -> set[str]:
    """Classes and ids of the page's elements, as selectors name them."""
    names = {f".{name}" for tag in tags for name in tag.get_attribute_list("class") if name}
    return names | {f"#{tag['id']}" for tag in tags if tag.has_attr("id")}


def _is_invisible(values: Declarations) -> bool:
    if values.get("display") == "none" or values.get("visibility") in ("hidden", "collapse"):
        return True
    fades_in = any(name in values for name in ("transform", "transition", "animation"))  # when the page is scrolled
    if _at_most(values, "opacity", 0) and not fades_in:
        return True
    if _at_most(values, "font-size", 1.5) and re.search(r"px|pt|^0+\D*$", values["font-size"]):
        return True
    if values.get("position") in ("absolute", "fixed"):
        clipped = _CLIPPED.search(f"{values.get('clip')} {values.get('clip-path')}")
        if clipped or any(_at_most(values, side, _FAR) for side in ("left", "top")):
            return True
    flat = _at_most(values, "height", 0) or all(_at_most(values, side, 1) for side in ("width", "height"))
    return _at_most(values, "text-indent", _FAR) or (values.get("overflow") == "hidden" and flat)


def _at_most(values: Declarations, name: str, limit: float) -> bool:
    """Whether a value begins with a number up to `limit`."""
    match = _NUMBER.match(values.get(name, ""))
    return match is not None and float(match[0]) <= limit


def _is_alike(one: _Color, other: _Color) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _ALIKE


def _color(value: str) -> _Color | None:
    """Red, green and blue from 0 to 1; None for no color, or a transparent one."""
    color = tinycss2.color4.parse_color(value.strip()) if value else None
    if color is None or color == "currentcolor" or color.alpha == 0:
        return None
    red, green, blue = (part or 0.0 for part in color.to("srgb").coordinates)
    return red, green, blue


def _rules(tags: Sequence[Tag]) -> Iterator[_Rule]:
    for style in tags:
        if style.name == "style" and str(style.get("media", "all")).strip().lower() in ("", "all", "screen"):
            yield from _rules_of(tinycss2.parse_stylesheet(style.get_text(), skip_comments=True, skip_whitespace=True))


def _rules_of(nodes: list[tinycss2.ast.Node]) -> Iterator[_Rule]:
    for node in nodes:
        if node.type == "at-rule" and node.at_keyword == "media" and node.content is not None:
            if tinycss2.serialize(node.prelude).strip().lower() in ("all", "screen"):
                yield from _rules_of(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
        elif node.type == "qualified-rule":
            values, important = _declarations(tinycss2.parse_blocks_contents(node.content))
            if values:
                for selector in tinycss2.serialize(node.prelude).split(","):
                    yield _Rule(selector.strip(), values, important)


def _declarations(nodes: list[tinycss2.ast.Node]) -> tuple[Declarations, frozenset[str]]:
    """Values of the properties that can hide text, and the names of those marked as important."""
    found = [node for node in nodes if node.type == "declaration" and node.lower_name in _PROPERTIES]
    values = {node.lower_name: tinycss2.serialize(node.value).strip().lower() for node in found}
    return values, frozenset(node.lower_name for node in found if node.important)


def _selected(soup: BeautifulSoup, selector: str) -> list[Tag]:
    if ":" in selector.replace(":root", "").replace(":not(", "").replace(":first-child", ""):
        return []  # states, such as :hover, and text that a sheet adds
    try:
        return list(soupsieve.select(selector, soup))
    except (soupsieve.SelectorSyntaxError, NotImplementedError):
        return []


def _specificity(selector: str) -> tuple[int, int, int]:
    return selector.count("#"), selector.count(".") + selector.count("["), len(re.findall(r"(?:^|[\s>+~])\w", selector))


_REFERENCES = ("aria-controls", "data-target", "data-bs-target", "href", "aria-owns", "popovertarget")


def _opened_ids(tags: Sequence[Tag]) -> set[str]:
    """Ids that a control of the page refers to."""
    values = " ".join(str(tag[name]) for tag in tags for name in _REFERENCES if tag.has_attr(name))
    return {word.removeprefix("#") for word in values.split()}


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

"""The rules of a page's own style sheets, as far as they can hide text or show it.

tinycss2 and soupsieve read and apply them; ours is the choice of rules: for a screen of a desktop, without the states
of controls. A rule that shows an element in such a state ("input:checked ~ .panel", ".tab.active") tells that what is
hidden before can be opened.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import soupsieve
import tinycss2
from bs4 import BeautifulSoup, Tag

Declarations = dict[str, str]
Specificity = tuple[int, int, int]

_PROPERTIES = frozenset({
    "display", "visibility", "opacity", "font-size", "color", "background", "background-color", "clip", "clip-path",
    "position", "left", "top", "right", "bottom", "inset", "text-indent", "margin-left", "margin-top", "width",
    "height", "max-width", "max-height", "overflow", "overflow-x", "overflow-y", "transform", "transition", "animation",
    "filter", "content-visibility", "background-clip", "-webkit-background-clip", "-webkit-text-fill-color",
    "text-shadow",
})  # fmt: skip
_SCREEN = 1_280  # pixels, the width of a desktop's window
_EM = 16
_WIDTH = re.compile(r"\(\s*(min|max)-width\s*:\s*([\d.]+)\s*(px|r?em)\s*\)")
# What a class or a state of a control changes when it is used.
_STATE = re.compile(
    r":(?:checked|hover|focus(?:-within|-visible)?|target|active|popover-open)(?![\w-])"
    r"|\[(?:open|aria-expanded|aria-hidden|aria-selected)\b[^\]]*\]"
    r"|\.(?:is-|js-)?(?:active|shown?|opened|open|visible|current|selected|expanded)(?![\w-])"
)
# Places in the tree; what else begins with a colon is a state, or text that a sheet adds.
_STRUCTURAL = re.compile(
    r":(?:root|not|is|where|has|empty|(?:first|last|only)-(?:child|of-type)|nth-(?:last-)?(?:child|of-type))(?![\w-])"
)
_SHOWING = {"display": ("none",), "visibility": ("hidden", "collapse"), "opacity": ("0",), "max-height": ("0", "0px"),
            "height": ("0", "0px"), "transform": ("scale(0)",), "left": (), "top": (), "clip": ()}  # fmt: skip
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*([^()]*))?\)")
_NAMES = re.compile(r"([.#])((?:[\w-]|[^\x00-\x7f])+)")
_COMBINED = tuple(" >+~(,\n\t") + ("",)
_ROOTS = (":root", "html", "body")


@dataclass(frozen=True)
class Rule:
    """What a rule declares for the elements that its selector names; `opens` if only in a state of a control."""

    selector: str
    values: Declarations
    important: frozenset[str]
    opens: bool = False

    @property
    def specificity(self) -> Specificity:
        """Numbers of ids, of classes, and of names of elements in the selector."""
        names = len(re.findall(r"(?:^|[\s>+~])\w", self.selector))
        return self.selector.count("#"), self.selector.count(".") + self.selector.count("["), names

    @property
    def names(self) -> set[str]:
        """The classes and ids without which it applies to nothing, such as ".note" and "#top"."""
        return {"".join(name) for name in _NAMES.findall(re.sub(r"\([^()]*\)", "", self.selector))}

    def selected(self, soup: BeautifulSoup) -> list[Tag]:
        """The elements that it applies to; none if its selector is not understood."""
        try:
            return list(soupsieve.select(self.selector, soup))
        except (soupsieve.SelectorSyntaxError, NotImplementedError, ValueError):
            return []


def rules_of(sheets: Sequence[str]) -> tuple[list[Rule], Declarations]:
    """The rules of the sheets in their order, and the variables of the whole page, which are replaced in them."""
    found: list[Rule] = []
    variables: dict[str, str] = {}
    for sheet in sheets:
        nodes = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
        found += _rules(nodes, "", variables)
    rules = [Rule(rule.selector, _resolved(rule.values, variables), rule.important, rule.opens) for rule in found]
    return (rules if variables else found), variables


def _resolved(values: Declarations, variables: Declarations) -> Declarations:
    return {name: _VARIABLE.sub(lambda found: _value_of(found, variables), value) for name, value in values.items()}


def _value_of(found: re.Match[str], variables: Declarations) -> str:
    return variables.get(found[1], found[2] or found[0])


def declarations(style: str, variables: Declarations) -> tuple[Declarations, frozenset[str]]:
    """The values of a `style` attribute, and the names of those marked as important."""
    values, important = _declared(tinycss2.parse_blocks_contents(style))
    return (_resolved(values, variables) if "var(" in style else values), important


def _declared(nodes: list[tinycss2.ast.Node]) -> tuple[Declarations, frozenset[str]]:
    found = [node for node in nodes if node.type == "declaration" and node.lower_name in _PROPERTIES]
    values = {node.lower_name: tinycss2.serialize(node.value).strip().lower() for node in found}
    return values, frozenset(node.lower_name for node in found if node.important)


def _rules(nodes: list[tinycss2.ast.Node], outer: str, variables: dict[str, str]) -> Iterator[Rule]:
    """Rules of a sheet or of a block in it; `outer` is the selector of the rule around nested ones."""
    for node in nodes:
        if node.type == "at-rule" and node.content is not None and _applies(node):
            inside = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            yield from _rules(inside, outer, variables)
            if outer:
                yield from _rule(outer, inside)
        elif node.type == "qualified-rule":
            inside = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            for selector in _selectors(node.prelude):
                whole = _nested(outer, selector)
                if whole in _ROOTS:
                    variables |= _variables(inside)
                yield from _rule(whole, inside)
                yield from _rules(inside, whole, variables)


def _applies(node: tinycss2.ast.AtRule) -> bool:
    """Whether the block of an at-rule applies to the window of a desktop."""
    condition = tinycss2.serialize(node.prelude).strip().lower()
    if node.lower_at_keyword == "media":
        return _is_for_screen(condition)
    return node.lower_at_keyword == "layer" or (node.lower_at_keyword == "supports" and not condition.startswith("not"))


def _is_for_screen(condition: str) -> bool:
    widths = {"min": lambda width: width <= _SCREEN, "max": lambda width: width >= _SCREEN}
    for side, number, unit in _WIDTH.findall(condition):
        if not widths[side](float(number) * (1 if unit == "px" else _EM)):
            return False
    rest = _WIDTH.sub("", condition).replace("only", "").replace("and", "").strip()
    return rest in ("", "all", "screen")


def _selectors(prelude: list[tinycss2.ast.Node]) -> Iterator[str]:
    """The selectors of a list, at the commas that are in no parentheses."""
    part: list[tinycss2.ast.Node] = []
    for token in [*prelude, None]:
        if token is None or (token.type == "literal" and token.value == ","):
            if text := tinycss2.serialize(part).strip():
                yield text
            part = []
        else:
            part.append(token)


def _nested(outer: str, selector: str) -> str:
    if not outer:
        return selector
    return selector.replace("&", outer) if "&" in selector else f"{outer} {selector}"


def _rule(selector: str, inside: list[tinycss2.ast.Node]) -> Iterator[Rule]:
    values, important = _declared(inside)
    if not values:
        return
    if ":" not in _STRUCTURAL.sub("", selector):
        yield Rule(selector, values, important)
    without = _STATE.sub(lambda found: "*" if selector[: found.start()][-1:] in _COMBINED else "", selector)
    if without != selector and _shows(values) and ":" not in _STRUCTURAL.sub("", without):
        yield Rule(without, values, important, opens=True)


def _shows(values: Declarations) -> bool:
    return any(name in values and values[name] not in hiding for name, hiding in _SHOWING.items())


def _variables(nodes: list[tinycss2.ast.Node]) -> dict[str, str]:
    found = [node for node in nodes if node.type == "declaration" and node.lower_name.startswith("--")]
    return {node.lower_name: tinycss2.serialize(node.value).strip().lower() for node in found}

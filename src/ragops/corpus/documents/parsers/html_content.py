"""What of a page is read: all that its reader sees, without menus and controls."""

import re
from collections import defaultdict
from collections.abc import Container

from bs4 import BeautifulSoup, CData, Comment, Declaration, Doctype, ProcessingInstruction, Tag
from bs4.element import PageElement

from ragops.corpus.documents.parsers.html_styles import hidden_elements
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.parsers.word_numbering import format_number

_NO_TEXT = (Comment, Declaration, Doctype, ProcessingInstruction, CData)
# Never shown, or shown only where what they stand for cannot be.
_NOT_TEXT = ("script", "style", "template", "datalist", "canvas", "audio", "video", "noembed", "head", "title")
_SHOWN_INPUTS = frozenset({"text", "number", "date", "email", "tel", "url", "time", "datetime-local", "month", "week"})
_MENUS = ["nav", "menu"]
_TOOL_ROLES = frozenset({"search", "menu", "menubar", "toolbar"})
_MENU_ROLES = frozenset({"navigation", *_TOOL_ROLES})
_EDGES = ["header", "footer", "aside"]
_EDGE_ROLES = frozenset({"banner", "contentinfo", "complementary"})
_LIST_LIKE = ["ul", "ol", "nav", "div", "section", "p", "table", "dl"]
_LINKS_SHARE = 0.6  # of a block's letters that are links: then it leads to other pages
_PROSE = 200  # letters that are no links, for which a menu is read all the same
_CONSENT = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)
_ICON = re.compile(r"^(?:material-(?:icons|symbols).*|glyphicons?)$")
_COPY = re.compile(r"copy|clipboard|clippy", re.IGNORECASE)
_TYPESET = frozenset({"katex-html", "MathJax_Preview"})
_GUTTER = re.compile(r"^(?:linenos?|lineno|line-?numbers?|linenumber|lnr|ln-num|code-?line-?numbers?)$", re.IGNORECASE)
# Elements that begin a line of their own and that markdownify takes for words in a line.
_ROLES = {"table": "table", "grid": "table", "treegrid": "table", "rowgroup": "tbody", "row": "tr", "cell": "td",
          "gridcell": "td", "columnheader": "th", "rowheader": "th"}  # fmt: skip
_LIST_STYLES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman",
                "lower-alpha": "lowerLetter", "lower-latin": "lowerLetter", "upper-alpha": "upperLetter",
                "upper-latin": "upperLetter", "lower-roman": "lowerRoman", "upper-roman": "upperRoman",
                "decimal-leading-zero": "decimalZero"}  # fmt: skip
_LIST_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w-]+)")
_MATHS = {"msup": "{0}^{1}", "msub": "{0}_{1}", "mfrac": "{0}/{1}", "msubsup": "{0}_{1}^{2}", "mover": "{0}^{1}",
          "munder": "{0}_{1}", "munderover": "{0}_{1}^{2}", "msqrt": "sqrt({0})", "mroot": "root({1}, {0})",
          "mtr": "({0})"}  # fmt: skip
_BLOCKS = ["address", "header", "footer", "aside", "main", "nav", "form", "fieldset", "legend", "summary", "details",
           "figure", "center", "hgroup", "search", "menu", "optgroup", "option", "noscript", "frameset",
           "noframes"]  # fmt: skip


class _Page:
    """The elements of a page by name and by role.

    Found in one pass, since each takes a fifth of the time of parsing. What was taken out of another element that was
    taken out is still listed; changing it changes nothing.
    """

    def __init__(self, soup: BeautifulSoup) -> None:
        self.soup = soup
        self.tags: list[Tag] = []
        self.comments: list[PageElement] = []
        self._named: dict[str, list[Tag]] = defaultdict(list)
        for element in soup.descendants:
            if isinstance(element, Tag):
                self.tags.append(element)
                self._named[element.name].append(element)
            elif isinstance(element, _NO_TEXT):
                self.comments.append(element)

    def named(self, *names: str) -> list[Tag]:
        """The elements with these names that are still part of something."""
        return [tag for name in names for tag in self._named.get(name, ()) if tag.parent is not None]

    def with_role(self, roles: Container[str]) -> list[Tag]:
        """The elements with these roles."""
        return [tag for tag in self.tags if tag.get("role") in roles]


def read_content(soup: BeautifulSoup) -> Tag:
    """The part of a page that is read, changed in place; without menus if anything else is left.

    Hidden text and controls go. Of a page's header, footer and asides, lists of links go and the rest stays: a warning,
    an address, a telephone number.
    """
    page = _Page(soup)
    for comment in page.comments:
        comment.extract()
    _show_formulas(page)
    _name_by_roles(page)
    for tag in hidden_elements(soup, page.tags):
        tag.extract()
    for tag in page.named(*_NOT_TEXT):
        if tag.has_attr("shadowrootmode"):  # a template that browsers show in its place
            tag.name = "div"
        elif tag.name != "title" or tag.find_parent("svg") is None:
            tag.extract()
    content = soup.find("body") or soup
    _choose_noscript(content, page)
    _drop_furniture(content, page)
    _show_controls(page)
    _show_pictures(page)
    _number_items(page)
    for tag in page.named(*_BLOCKS):
        tag.name = "div"
    return content


def _show_formulas(page: _Page) -> None:
    """TeX of formulas that a script typesets, or that stands beside them; KaTeX repeats each for the eyes."""
    for tag in page.named("span", "svg"):
        typeset = tag.name == "svg" and tag.parent is not None and tag.parent.name == "mjx-container"
        if typeset or not _TYPESET.isdisjoint(tag.get_attribute_list("class")):
            tag.extract()
    for script in page.named("script"):
        if str(script.get("type", "")).startswith("math/tex"):
            _replace(script, f"${script.get_text().strip()}$")
    for formula in page.named("math"):
        tex = formula.find("annotation", encoding=re.compile("tex", re.IGNORECASE))
        text = formula.get("alttext") or (tex.get_text() if tex else "")
        _replace(formula, f"${one_space(str(text))}$" if text else _linear(formula))


def _replace(tag: Tag, text: str) -> None:
    """Puts a text in place of an element, apart from the words beside it."""
    before, after = (side if isinstance(side, str) else "" for side in (tag.previous_sibling, tag.next_sibling))
    left = "" if not text or before[-1:].isspace() or before[-1:] in "(" and before else " "
    right = "" if not text or after[:1].isspace() or after[:1] in ".,;:)!?" and after else " "
    tag.replace_with(f"{left}{one_space(text)}{right}")


def one_space(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def _linear(formula: Tag) -> str:
    """A formula in MathML on one line: x^2, a_1, (a + b)/c."""
    for tag in reversed(formula.find_all([*_MATHS, "annotation", "annotation-xml"])):
        parts = [one_space(part.get_text(" ")) for part in tag.find_all(True, recursive=False)]
        grouped = [f"({part})" if " " in part else part for part in parts]
        if tag.name.startswith("annotation"):
            tag.extract()
        elif tag.name in ("msqrt", "mtr"):
            tag.string = _MATHS[tag.name].format((" " if tag.name == "msqrt" else ", ").join(parts))
        elif len(parts) == _MATHS[tag.name].count("{"):
            tag.string = _MATHS[tag.name].format(*grouped)
    return one_space(formula.get_text(" "))


def _name_by_roles(page: _Page) -> None:
    """Tables made of other elements, which say by their roles what they are."""
    for tag in page.tags:
        name = _ROLES.get(str(tag.get("role")))
        if name and (name != "table" or tag.find(role="row")):
            tag.name = name


def _number_items(page: _Page) -> None:
    """Gives items of numbered lists the label that browsers show, as an attribute."""
    for numbered in page.named("ol"):
        items = numbered.find_all("li", recursive=False)
        style = _LIST_STYLE.search(str(numbered.get("style", "")))
        kind = _LIST_STYLES.get(style[1] if style else str(numbered.get("type", "")), "decimal")
        step = -1 if numbered.has_attr("reversed") else 1
        number = _integer(numbered.get("start"), len(items) if step < 0 else 1)
        for item in items:
            number = _integer(item.get("value"), number)
            item["label"] = f"{format_number(number, kind)}."
            number += step


def _integer(value: object, default: int) -> int:
    return int(str(value)) if re.fullmatch(r"-?\d{1,9}", str(value)) else default


def _choose_noscript(content: Tag, page: _Page) -> None:
    """Text for browsers without scripts is read only where the page has nothing else."""
    instead = page.named("noscript", "noframes")
    for tag in instead:
        tag.extract()
        if tag.name == "noframes":  # lxml reads what is inside as text
            inside = parse_page(tag.get_text()).body
            tag.clear()
            if inside is not None:
                tag.extend(list(inside.contents))
    if instead and _letters(content) == 0:
        for tag in instead:
            content.append(tag)


def _show_controls(page: _Page) -> None:
    """Buttons become their text, since they are also the headings of accordions; fields become what stands in them."""
    for button in page.named("button"):
        about = " ".join(str(button.get(name, "")) for name in ("class", "aria-label", "title", "data-clipboard-text"))
        if button.find_parent("pre") or _COPY.search(about):
            button.extract()
        else:
            button.name = "span" if button.find_parent(["h1", "h2", "h3", "h4", "h5", "h6", "p", "li"]) else "div"
    for field in page.named("input"):
        shown = str(field.get("type", "text")).lower() in _SHOWN_INPUTS
        _replace(field, str(field.get("value", "")) if shown else "")
    for choice in page.named("select"):
        chosen = choice.find_all("option", selected=True)
        _replace(choice, " ".join(option.get_text() for option in chosen))
    for label in page.named("label", "output", "textarea"):
        label.insert_before(" ")
        label.insert_after(" ")


def _show_pictures(page: _Page) -> None:
    """A picture becomes its description, unless that is a file name or the picture a pixel that counts readers."""
    for picture in page.named("img", "area"):
        text = one_space(str(picture.get("alt", "")))
        counts = picture.get("width") in ("0", "1") or picture.get("height") in ("0", "1")
        named = re.fullmatch(r"\S+\.(?:png|jpe?g|gif|svg|webp|bmp)", text, re.IGNORECASE)
        _replace(picture, "" if counts or named else text)
    for drawing in page.named("svg"):
        label = str(drawing.get("aria-label", "")) or " ".join(t.get_text() for t in drawing.find_all("title"))
        words = [one_space(text.get_text(" ")) for text in drawing.find_all("text")]
        _replace(drawing, " ".join([label, *words]).strip())


def _drop_furniture(content: Tag, page: _Page) -> None:
    """Menus, lists of links at the page's edges, icons, marks beside headings, and line numbers of code."""
    for tag in page.tags:
        if _is_mark(tag) or _is_gutter(tag) or _is_consent(tag):
            tag.extract()
    menus = [*page.named(*_MENUS), *page.with_role(_MENU_ROLES)]
    for edge in [*page.named(*_EDGES), *page.with_role(_EDGE_ROLES)]:
        if edge.find_parent(["article", "main"]) is None:
            menus += [edge, *edge.find_all(_LIST_LIKE)]
    if not menus:
        return
    letters = _letters(content)
    removed: list[Tag] = []
    for menu in menus:
        if not any(parent is content for parent in menu.parents):
            continue  # it went with one around it
        if _is_menu(menu):
            removed.append(menu)
    kept = letters - sum(_letters(menu) for menu in removed if not any(p in removed for p in menu.parents))
    if kept > 0:  # else the page is an index, and nothing but links
        for menu in removed:
            menu.extract()


def _is_menu(tag: Tag) -> bool:
    if tag.get("role") in _TOOL_ROLES:
        return True
    letters, links = _letters(tag), _links(tag)
    is_nav = tag.name == "nav" or tag.get("role") == "navigation"
    return links > _LINKS_SHARE * letters or (is_nav and letters - links < _PROSE)


def _is_mark(tag: Tag) -> bool:
    """Whether it is an icon from a font, a link to the heading at which it stands, or one that skips the menu."""
    if tag.name not in ("a", "span", "i"):
        return False
    classes = [str(name) for name in tag.get_attribute_list("class") if name]
    if any(_ICON.match(name) for name in classes):
        return True
    if tag.name != "a" or not str(tag.get("href", "")).startswith("#"):
        return False
    text = tag.get_text()
    return not any(character.isalnum() for character in text) or any("skip" in name for name in classes)


def _is_gutter(tag: Tag) -> bool:
    if tag.name not in ("a", "span", "i"):
        return False
    numbers = any(_GUTTER.match(str(name)) for name in tag.get_attribute_list("class"))
    return numbers and not re.search(r"[^\d\s]", tag.get_text())


def _is_consent(tag: Tag) -> bool:
    if tag.get("role") not in ("dialog", "alertdialog"):
        return False
    return bool(_CONSENT.search(f"{tag.get('id', '')} {tag.get_attribute_list('class')}"))


def _letters(tag: Tag) -> int:
    return sum(character.isalnum() for character in tag.get_text())


def _links(tag: Tag) -> int:
    return sum(_letters(link) for link in tag.find_all("a", href=True))

"""HTML: what a reader of a page sees, as Markdown, without menus and controls.

BeautifulSoup and markdownify do the reading and writing. What is ours are the rules of what is seen: html-to-markdown
needs the same ones for the same result (docs/parsers.md).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html_content import one_space, read_content
from ragops.corpus.documents.parsers.html_tables import code_of, is_layout, raw_text, rows_of, table_text
from ragops.corpus.documents.parsers.soup import item, join_words, parse_page, subscript
from ragops.corpus.documents.types import Extract

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_CHARSET = re.compile(
    rb"<meta[^>]{0,300}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{1,40})",
    re.IGNORECASE,
)
_HEAD = 4_096  # bytes in which a label is looked for
_ORDINALS = frozenset(["st", "nd", "rd", "th", "er", "ère", "e", "ème", "o", "a", "os", "as", "do", "da", "tm"])
_DEEPEST_FRAME = 3
_FENCE = re.compile(r"\s*(```|~~~~)")
_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")


def parse_html(path: Path, limits: ParseLimits) -> Extract:
    """Headings, lists, tables, code, formulas and web links of a page as Markdown, title from `<title>`.

    Hidden text, scripts, menus and fields are left out. Raises Unparsable if the file is not text.
    """
    data = path.read_bytes()
    declared = _CHARSET.search(_COMMENT.sub(b"", data[:_HEAD]))
    label = (declared[1] or declared[2]).decode() if declared else None
    decoded = decode(data, label)
    soup = parse_page(decoded.text)
    title = soup.title.get_text() if soup.title else None
    frames = tuple(f"frame {frame.get('src', '')}: another page" for frame in soup.find_all("frame"))
    return Extract(markdown_of(soup), title=title, warnings=(*decoded.warnings, *frames))


def markdown_of(soup: BeautifulSoup, depth: int = 0) -> str:
    """Markdown of what a page shows; the page is changed."""
    for frame in soup.find_all("iframe"):
        inside = frame.get("srcdoc") if depth < _DEEPEST_FRAME else None
        frame.name = "div"
        frame.clear()
        if inside:
            part = parse_page(str(inside))
            frame.append(read_content(part))
            for body in frame.find_all("body"):
                body.name = "div"
    content = read_content(soup)
    _keep_web_links(content)
    join_words(content)
    try:
        return _Converter().convert_page(content)
    except RecursionError:  # elements nested hundreds deep: text without structure
        return content.get_text("\n", strip=True)


def _keep_web_links(content: Tag) -> None:
    """Replaces links that do not lead to a web page with their text."""
    for link in content.find_all("a"):
        try:
            scheme = urlsplit(str(link.get("href", ""))).scheme
        except ValueError:
            scheme = ""
        if scheme not in ("http", "https"):
            link.unwrap()


class _Converter(MarkdownConverter):
    """markdownify with rules of ours for tables, code, and small print that changes numbers."""

    def __init__(self) -> None:
        # No escapes, which would distort words for search: the text is embedded, not rendered.
        super().__init__(heading_style=ATX, escape_asterisks=False, escape_underscores=False)
        self._ready: list[str] = []

    def convert_page(self, content: Tag) -> str:
        """Markdown of a page: tables from the inside out, then everything around them."""
        for table in reversed(content.find_all("table")):
            self._replace_table(table)
        for block in content.find_all("pre"):
            self._replace(block, _code(raw_text(block), _code_language(block)))
        return "\n".join(_single_spaces(self.convert_soup(content).split("\n")))

    def _replace_table(self, table: Tag) -> None:
        rows = rows_of(table)
        code = code_of(table, rows)
        if code is not None and table.find_parent("pre"):
            table.replace_with(code)
        elif code is not None:
            self._replace(table, _code(code, _code_language(table)))
        elif is_layout(table, rows):
            for tag in [table, *table.find_all(["tbody", "thead", "tfoot", "tr", "td", "th", "caption"])]:
                tag.name = "div"
        else:
            self._replace(table, *table_text(table, rows, self._cell))

    def _cell(self, cell: Tag) -> str:
        """Text of a cell on one line; items and paragraphs in it are separated."""
        for block in cell.find_all(["li", "p", "div", "br"]):
            following = block.find_next_sibling()
            if block.name == "br":
                block.replace_with(" ")
            elif following is not None and following.name in ("li", "p", "div"):
                block.append("; " if block.name == "li" else " ")
            if block.name != "br":
                block.unwrap()
        for outer in cell.find_all(["ul", "ol"]):
            outer.unwrap()
        for tag in cell.find_all("ready"):
            line = tag.get("line") or self._ready[int(str(tag["number"]))]
            tag.replace_with(f" {one_space(str(line))} ")
        cell.name = "span"
        return one_space(self.convert_soup(cell))

    def _replace(self, tag: Tag, markdown: str, line: str = "") -> None:
        """Puts finished Markdown in place of an element; `line` is that of a table in the cell of another one."""
        place = Tag(name="ready", attrs={"number": str(len(self._ready))} | ({"line": line} if line else {}))
        self._ready.append(markdown)
        tag.replace_with(place)

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """An item with its label; markdownify counts the items before it for each, and knows numbers only."""
        label = str(el.get("label", ""))
        if not label or not text.strip():
            return str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]  # made by a metaclass
        return item(label, text)

    def convert_ready(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Finished Markdown as a block of its own."""
        return f"\n\n{self._ready[int(str(el['number']))]}\n\n"

    def convert_sup(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """10^6, m^2 and footnotes; not for 1st."""
        text = text.strip()
        if not text or text.lower() in _ORDINALS or not re.match(r"[\w+−-]", text):
            return text
        return f"^({text})" if re.search(r"\s", text) else f"^{text}"

    def convert_sub(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A number beside a number is another number."""
        return subscript(el, text)

    def convert_rt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """How a word is read, after the word."""
        return f"({text.strip()})" if text.strip() else ""

    def convert_rp(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Parentheses for browsers that do not know ruby."""
        return ""


def _single_spaces(lines: list[str]) -> Iterator[str]:
    """Lines with single spaces within them, except those of code."""
    fence = ""
    for line in lines:
        start = _FENCE.match(line)
        if start and (not fence or start[1] == fence):
            fence = "" if fence else start[1]
        yield line if fence or line.startswith("|") else _SPACES.sub(" ", line)


def _code(text: str, language: str) -> str:
    text = text.strip("\n")
    fence = "~~~~" if "```" in text else "```"
    return f"{fence}{language}\n{text}\n{fence}" if text.strip() else ""


def _code_language(block: Tag) -> str:
    """The language of code, from the class that HTML's standard suggests, or those of Sphinx and Jekyll around it."""
    around = [tag for tag in block.parents if tag.name == "div"][:3]
    tags = [block, *block.find_all(["code", "pre"], limit=2), *around]
    names = [str(name) for tag in tags for name in tag.get_attribute_list("class") if name]
    found = (re.match(r"(?:language|lang|highlight-source|highlight)-([\w+#-]+)$", name) for name in names)
    return next((match[1] for match in found if match and match[1] not in ("default", "none", "text")), "")

"""HTML: the main content without navigation, headers and other boilerplate."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Comment, Tag
from markdownify import ATX, MarkdownConverter

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.normalize import decode
from ragops.corpus.documents.types import Extract

_BOILERPLATE = ["script", "style", "noscript", "template", "svg", "iframe", "nav", "form", "button", "dialog", "img"]
_ROLES = ["navigation", "banner", "contentinfo", "search"]
_PAGE_EDGES = ["header", "footer", "aside"]
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def parse_html(path: Path, limits: ParseLimits) -> Extract:
    """Headings, lists, tables, code and web links of a page as Markdown, title from `<title>`.

    Scripts, styles, navigation, forms and images are dropped, as are headers, footers and asides of the page itself
    (not those of an article in it). Raises Unparsable if the file is not text.
    """
    data = path.read_bytes()
    declared = _CHARSET.search(data[:4096])
    soup = BeautifulSoup(decode(data, declared.group(1).decode() if declared else None), "lxml")
    title = soup.title.get_text() if soup.title else None
    content = soup.find("body") or soup
    _drop_boilerplate(content)
    _keep_web_links(content)
    return Extract(_to_markdown(content), title=title)


def _drop_boilerplate(content: Tag) -> None:
    edges = [tag for tag in content.find_all(_PAGE_EDGES) if tag.find_parent(["article", "main"]) is None]
    for tag in [*content.find_all(_BOILERPLATE), *content.find_all(role=_ROLES), *edges]:
        tag.extract()
    for comment in content.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()


def _keep_web_links(content: Tag) -> None:
    """Replaces links that do not lead to a web page with their text."""
    for link in content.find_all("a"):
        try:
            scheme = urlsplit(str(link.get("href", ""))).scheme
        except ValueError:
            scheme = ""
        if scheme not in ("http", "https"):
            link.unwrap()


def _to_markdown(content: Tag) -> str:
    # No escapes, which would distort words for search: the text is embedded, not rendered.
    converter = MarkdownConverter(
        heading_style=ATX, escape_asterisks=False, escape_underscores=False, code_language_callback=_code_language
    )
    try:
        return converter.convert_soup(content)
    except RecursionError:  # elements nested hundreds deep: text without structure
        return content.get_text("\n", strip=True)


def _code_language(block: Tag) -> str:
    """The language of a `pre`, from the class that HTML's standard suggests: `<pre><code class="language-python">`."""
    tags = [block, *block.find_all("code", limit=1)]
    names = [name for tag in tags for name in tag.get_attribute_list("class") if name]
    return next((name.removeprefix("language-") for name in names if name.startswith("language-")), "")

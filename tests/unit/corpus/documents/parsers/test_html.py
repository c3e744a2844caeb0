from pathlib import Path

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html import parse_html
from ragops.corpus.documents.types import Extract


def convert(tmp_path: Path, html: str | bytes) -> Extract:
    path = tmp_path / "a.html"
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return parse_html(path, ParseLimits())


def markdown(tmp_path: Path, html: str) -> str:
    return convert(tmp_path, html).markdown.strip()


def test_menus_are_dropped_and_the_rest_of_the_pages_edges_is_kept(tmp_path: Path) -> None:
    html = (
        "<body><header>Pumps Ltd</header><nav>Home</nav><div role='navigation'>Menu</div><!-- x --><style>p{}</style>"
        "<article><header><h2>Kept</h2></header><p>text <img src='data:x' alt='pic'></p></article>"
        "<aside><a href='/x'>Offers</a></aside><footer><a href='/i'>Imprint</a><p>Call 0800</p></footer></body>"
    )
    assert [line for line in markdown(tmp_path, html).split("\n") if line] == [
        "Pumps Ltd", "## Kept", "text pic", "Imprint", "Call 0800"
    ]  # fmt: skip


def test_only_web_links_keep_their_target(tmp_path: Path) -> None:
    html = "<a href='#top'>up</a> <a href='https://example.org/x'>out</a> <a href='javascript:x()'>run</a> <a href='http://[x'>odd</a>"
    assert markdown(tmp_path, html) == "up [out](https://example.org/x) run odd"


def test_code_keeps_its_language_and_indentation(tmp_path: Path) -> None:
    html = "<pre><code class='language-python'>def f():\n    return __x__</code></pre><pre>plain</pre>"
    assert markdown(tmp_path, html) == "```python\ndef f():\n    return __x__\n```\n\n```\nplain\n```"


def test_underscores_and_stars_are_not_escaped(tmp_path: Path) -> None:
    assert markdown(tmp_path, "<p>call __init__ with *args</p>") == "call __init__ with *args"


def test_unclosed_tags_are_accepted(tmp_path: Path) -> None:
    assert markdown(tmp_path, "<ul><li>one<li>two</ul><p>a<p>b") == "* one\n* two\n\na\n\nb"


def test_the_declared_charset_is_used(tmp_path: Path) -> None:
    page = "<html><head><meta charset='iso-8859-2'><title>łódź</title></head><body>źdźbło</body></html>"
    extract = convert(tmp_path, page.encode("iso-8859-2"))
    assert (extract.title, extract.markdown.strip()) == ("łódź", "źdźbło")

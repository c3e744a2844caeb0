"""The pages' files make no markup from text, keep to the content security policy, and name only what there is.

What the pages do is tested in a browser: tests/e2e/test_page.py, tests/e2e/test_review_page.py.
"""

import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ragops.serving.server.pages import PAGE

ROOT = Path(__file__).parents[4]
MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTML", "document.write"]
MARKUP += ["createContextualFragment", "DOMParser", "srcdoc"]
CODE = ["eval(", "new Function", "javascript:", "import(", 'setTimeout("']


class _Parsed(HTMLParser):
    """Each element of a page with its attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inline = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("script", "style"):
            self.inline += data.strip()

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module", params=["index.html", "review.html", "status.html", "no_status.html"])
def page(request: pytest.FixtureRequest) -> _Parsed:
    return _Parsed((PAGE / request.param).read_text("utf-8"))


@pytest.fixture(scope="module")
def script(page: _Parsed) -> str:
    """The page's script with all that it imports."""
    found = {name: (PAGE / name).read_text("utf-8") for name in page.values("src")}
    waiting = list(found)
    while waiting:
        for name in re.findall(r'from "\./([\w.]+)"', found[waiting.pop()]):
            if name not in found:
                found[name] = (PAGE / name).read_text("utf-8")
                waiting.append(name)
    return "".join(found.values())


@pytest.mark.parametrize("name", [*MARKUP, *CODE])
def test_the_script_makes_neither_markup_nor_code_from_text(script: str, name: str) -> None:
    assert name not in script


def test_the_page_has_no_inline_script_or_style(page: _Parsed) -> None:
    attributes = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    assert page.inline == ""


def test_files_are_the_pages_own(page: _Parsed) -> None:
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert links <= {"./", "status"}
    named = {*page.values("src"), *page.values("href")} - links
    assert named and all((PAGE / name).is_file() for name in named)
    everything = "".join(file.read_text("utf-8") for file in PAGE.iterdir() if file.suffix in (".css", ".js", ".html"))
    assert not re.search(r"https?://|@import|url\(", everything)


def test_the_script_names_only_what_the_page_has(script: str, page: _Parsed) -> None:
    ids, parts = page.values("id"), page.values("data-part")
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:byId|stamp)\("([\w-]+)"\)', script)) <= set(ids)
    assert set(re.findall(r'part\([\w.]+(?:\([^)]*\))?, "(\w+)"\)', script)) <= set(parts)


def test_every_control_has_a_name(page: _Parsed) -> None:
    """Labels are around controls, or name them; tests/e2e/test_page.py has an accessibility checker look at them."""
    labeled = page.values("for")
    fields = [attributes for tag, attributes in page.elements if tag in ("input", "textarea") and "id" in attributes]
    assert [field["id"] for field in fields if field["id"] not in labeled] == []


def test_the_wheel_contains_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {f"ragops/serving/server/page/{file.name}" for file in PAGE.iterdir()} <= packed

"""The documentation is true: the reference is up to date, links and paths exist, and examples are valid."""

import re
from pathlib import Path

import pytest
import yaml

from ragops.usecase import load_usecase
from tests.docs.reference import FOLDER, pages

ROOT = Path(__file__).parents[2]
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
HAND_WRITTEN = [path for path in TEXTS if path.parent != FOLDER]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# What looks like a path of the repository in a code span.
_PATH = re.compile(r"`((?:src|tests|environments|resources|notebooks|docs|scripts|\.github|\.ci)/[\w./*-]*)`")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """GitHub's ids of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return pages()


def test_the_reference_is_what_the_code_says(generated: dict[str, str]) -> None:
    """If this fails: make docs."""
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    assert found == generated


def test_the_reference_has_every_command_setting_and_parameter(generated: dict[str, str]) -> None:
    assert {"### ragops ask", "### ragops index rollback", "### localbundle run"} <= set(
        generated["cli.md"].splitlines()
    )
    assert {"retrieval", "answers", "release"} <= set(
        re.findall(r"^\| `(\w+)` \|", generated["usecase.md"], re.MULTILINE)
    )
    assert "| `allow_deletes` |" in generated["jobs.md"]
    assert "## documents" in generated["tables.md"]


@pytest.mark.parametrize("page", ["usecase.md", "jobs.md"])
def test_every_setting_and_every_parameter_of_a_job_has_a_meaning(page: str, generated: dict[str, str]) -> None:
    """If this fails: write the meaning below the setting in its class, or in the description of the parameter."""
    section, with_meaning, missing = "", False, []
    for line in generated[page].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("## "):
            section = line
        elif cells[:1] in (["setting"], ["parameter"], ["task"]):
            with_meaning = cells[-1] == "meaning"
        elif with_meaning and cells and not cells[-1]:
            missing.append(f"{section}: {cells[0]}")
    assert missing == []


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for link in _LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"https?://|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name)
def test_paths_in_code_spans_exist(page: Path) -> None:
    for path in _PATH.findall(page.read_text(encoding="utf-8")):
        if "NAME" not in path and "TARGET" not in path:
            assert list(ROOT.glob(path.rstrip("/"))), path


def test_every_page_is_reachable_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = _LINK.findall(without_code(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link]
    assert [path for path in TEXTS if path not in seen] == []


def test_the_readme_is_one_or_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_shortest_use_case_of_the_readme_loads(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "usecase.yml"
    file.write_text(text, encoding="utf-8")
    assert load_usecase(file).name == "python-reference" and len(text.splitlines()) == 17


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name)
def test_yaml_and_json_examples_parse(page: Path) -> None:
    for language, text in re.findall(r"```(yaml|json)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for document in text.splitlines() if language == "json" else [text]:
            assert yaml.safe_load(document)


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*")), ids=lambda path: path.name)
def test_pictures_are_small(picture: Path) -> None:
    assert picture.suffix == ".png" and picture.stat().st_size < 150_000


def test_the_glossary_is_sorted_and_each_name_is_defined_once() -> None:
    _, _, glossary = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Glossary")
    names = re.findall(r"^\| ([a-z][^|]*?) \|", glossary, re.MULTILINE)[1:]
    assert names == sorted(names) and len(set(names)) == len(names) and 20 <= len(names) <= 40

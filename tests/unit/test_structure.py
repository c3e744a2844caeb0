"""Sizes of modules, import cycles, modules that nothing uses, and wording. `python -m tests.structure` prints them."""

import statistics
import textwrap
from pathlib import Path

import pytest

from tests.structure import (
    PACKAGES,
    RETIRED,
    ROOT,
    WRITTEN,
    cycles,
    long_functions,
    modules,
    retired_words,
    unreachable,
)

NOT_WIRED = {
    "ragops.corpus.index.stores.chroma_server",
    "ragops.corpus.index.stores.databricks_ai_search",
}
"""Modules that no command, notebook or job leads to yet. This list may only become shorter."""


def test_modules_that_nothing_leads_to_are_known() -> None:
    assert set.union(*(unreachable(ROOT, package) for package in PACKAGES)) == NOT_WIRED


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_over_400_lines_and_no_function_over_50(package: str) -> None:
    known = modules(ROOT, package).values()
    assert [module.name for module in known if module.lines > 400] == []
    assert [line for module in known for line in long_functions(module, 50)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_have_no_cycle(package: str) -> None:
    assert cycles(modules(ROOT, package)) == []


@pytest.mark.parametrize(("package", "least"), [("ragops", 110), ("localbundle", 100)])
def test_most_modules_are_whole_ideas(package: str, least: int) -> None:
    lines = [module.lines for module in modules(ROOT, package).values() if not module.is_package]
    assert least <= statistics.median(lines) <= 150


def test_retired_words_do_not_come_back() -> None:
    assert list(retired_words(ROOT, WRITTEN)) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [("told", "it is told"), ("is no", "x is no file"), ("stood in", "test_a_model_that_stood_in_for_x")],
)
def test_a_retired_word_is_found(word: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"fine\n{text}\nthere is no file, and it is no longer here\n")
    assert word in RETIRED
    assert list(retired_words(tmp_path, ["a.md"])) == [f"a.md:2: {word}"]


def test_a_cycle_and_an_unreachable_module_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "ragops"
    folder.mkdir(parents=True)
    texts = {
        "__init__": "",
        "cli": "def main():\n    from ragops import a\n",
        "a": "from ragops.b import x\n",
        "b": "import ragops.a\n",
        "lost": "import ragops.a\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    assert {*cycles(modules(tmp_path, "ragops"))} == {"ragops.a", "ragops.b"}
    assert unreachable(tmp_path, "ragops") == {"ragops.lost"}

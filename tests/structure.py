"""The structure of the code in figures: `python -m tests.structure [FOLDER]` prints them as a table.

FOLDER is the root of a checkout, by default this one, so that two revisions can be compared.
"""

import ast
import json
import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
PACKAGES = ("ragops", "localbundle")

ENTRIES = (
    "cli",
    "cli.app",
    "serving.model.model_code",  # MLflow runs it by its path
    "serving.model.langchain_retriever",  # for chains of a team's own
    "volumes.at_start.sitecustomize",  # Python runs it when it starts
    "lint.refresh",  # commands of localbundle's developers
    "definitions.refresh_fields",
)
"""Modules within a package at which somebody outside it begins."""

RETIRED = {
    "told": r"\btold\b",
    "mend": r"\bmend(?:s|ed|ing)?\b",
    "door": r"\bdoors?\b",
    "surely": r"\bsurely\b",
    "stood in": r"\b(?:stood|stands?|standing) in for\b|\bstood in\b",
    "at hand": r"\bat hand\b",
    "left aside": r"\bleft aside\b",
    "so many": r"\bso many\b",
    "whoever": r"\bwhoever\b",
    "to be had": r"\bto be had\b",
    "is no": r"(?<!there )(?<!There )\bis no\b(?! longer\b)",
    "held": r"\bheld\b(?!-out)",
    "anew": r"\banew\b",
    "laid": r"\blaid\b|\blays\b",
}
"""Words and turns of phrase that misled readers, as patterns; none may come back."""

WRITTEN = (
    "src",
    "tests",
    "docs",
    "notebooks",
    "resources",
    "environments",
    "README.md",
    "CONTRIBUTING.md",
    "usecase.yml",
)
TEXTS = {".py", ".md", ".yml", ".ipynb", ".j2", ".toml", ".html", ".js", ".css", ""}


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its path and its syntax tree."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


def package_folder(root: Path, package: str) -> Path:
    """Where a package is: localbundle has a folder of its own around it."""
    own = root / "src" / package / package
    return own if own.is_dir() else root / "src" / package


def modules(root: Path, package: str) -> dict[str, Module]:
    """All modules of a package by their dotted names."""
    folder = package_folder(root, package)
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


def imported(tree: ast.AST, known: Iterable[str]) -> Iterator[str]:
    """Modules that a tree imports anywhere in it, or names in a string, such as `python -m` and PackageLoader do."""
    names = set(known)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            members = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (member if member in names else node.module for member in members)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from named(node.value, names)


def named(text: str, names: set[str]) -> Iterator[str]:
    """Modules whose dotted names stand in a text; all of a package where the name goes on in a variable."""
    for match in re.finditer(r"(?:ragops|localbundle)(?:\.\w+)+\.?", text):
        word = match[0]
        if word.endswith("."):
            yield from (name for name in names if name.startswith(word))
        elif word in names:
            yield word


def imports_at_start(module: Module, known: Mapping[str, Module]) -> set[str]:
    """What a module imports when it is imported itself: not inside functions, not for type checkers only."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(name for name in imported(node, known) if name in known)
        waiting.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    return found - {module.name}


def cycles(known: Mapping[str, Module]) -> list[str]:
    """The first cycle among the imports of modules, as names; empty where there is none."""
    graph = {name: imports_at_start(module, known) for name, module in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def unreachable(root: Path, package: str) -> set[str]:
    """Modules that no command, notebook or job leads to."""
    known = modules(root, package)
    waiting = list(_entries(root, package, set(known)))
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached.add(name)
            waiting.extend(imported(known[name].tree, known))
    return {name for name, module in known.items() if name not in reached and not module.is_package}


def _entries(root: Path, package: str, names: set[str]) -> Iterator[str]:
    yield from (package, *(f"{package}.{name}" for name in ENTRIES))
    for file in [*root.glob("*.yml"), *root.glob("environments/*"), *root.glob("resources/*.yml"), root / "Makefile"]:
        if file.is_file():
            yield from named(file.read_text("utf-8"), names)
    for notebook in root.glob("notebooks/*.ipynb"):
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield from imported(ast.parse("".join(cell["source"])), names)


def long_functions(module: Module, most: int) -> Iterator[str]:
    """Functions of more lines than `most`, their docstrings apart."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[1] if documented and len(node.body) > 1 else node.body[0]
            length = (node.end_lineno or node.lineno) - first.lineno + 1
            if length > most:
                yield f"{module.name}.{node.name}: {length} lines"


def retired_words(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """FILE:LINE: WORD for every retired word in the text files of some folders or files, this one apart."""
    patterns = {word: re.compile(pattern, re.IGNORECASE) for word, pattern in RETIRED.items()}
    for path in _texts(root, folders):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            spaced = line.replace("_", " ")
            yield from (
                f"{path.relative_to(root)}:{number}: {word}" for word, found in patterns.items() if found.search(spaced)
            )


def _texts(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        start = root / folder
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if (
                path.is_file()
                and path.suffix in {".py", ".md", ".yml", ".ipynb", ".j2", ".toml", ".html", ".js", ".css", ""}
                and _is_ours(path)
            ):
                yield path


def _is_ours(path: Path) -> bool:
    """Not generated, and not these patterns or their tests."""
    return not {"__pycache__", ".localbundle", "requirements", "structure.py", "test_structure.py"} & {*path.parts}


def figures(root: Path, package: str) -> dict[str, object]:
    """The table's column for a package."""
    known = modules(root, package)
    whole = [module for module in known.values() if not module.is_package]
    lengths = sorted(module.lines for module in whole)
    return {
        "modules": len(whole),
        "median lines of a module": statistics.median(lengths),
        "longest module": lengths[-1],
        "lines": sum(lengths),
        "packages": sum(module.is_package for module in known.values()),
        "functions over 50 lines": sum(len(list(long_functions(module, 50))) for module in whole),
        "import cycles": "none" if not (cycle := cycles(known)) else " -> ".join(cycle),
        "modules nothing leads to": len(unreachable(root, package)),
    }


def main() -> None:
    """Prints the table, and how often retired words occur in code, tests and documents."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    columns = {package: figures(root, package) for package in PACKAGES}
    table = Table("", *columns, box=None)
    for name in columns[PACKAGES[0]]:
        table.add_row(name, *(str(column[name]) for column in columns.values()))
    words = list(
        retired_words(root, ["src", "tests", "docs", "README.md", "CONTRIBUTING.md", "notebooks", "resources"])
    )
    table.add_row("retired words", str(len(words)))
    Console().print(table)


if __name__ == "__main__":
    main()

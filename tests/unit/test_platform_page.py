"""docs/platform.md: each rule names existing files, a source, and the date of the look-up."""

import re
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
RULES, _, UNKNOWN = TEXT.partition("## Not known")
_FOLDERS = ("src/", "tests/", "environments/", "resources/", "docs/", "notebooks/", ".github/")


def rows(text: str) -> list[list[str]]:
    """The cells of each row; a bar inside one is written with a backslash."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]
    return [row for row in cells if row[0] not in ("rule", "question")]


def exists(name: str) -> bool:
    """A path from the root, with wildcards, or the name of a file somewhere below."""
    patterns = (name.rstrip("/"),) if "/" in name else (name, f"[erst]*/**/{name}")
    return any(found for pattern in patterns for found in ROOT.glob(pattern))


@pytest.mark.parametrize("row", rows(RULES), ids=lambda row: row[0][:40])
def test_a_rule_has_existing_files_a_source_and_a_date(row: list[str]) -> None:
    rule, enforced, source, looked_up = row
    assert rule and source
    assert date.fromisoformat(looked_up) >= date(2026, 1, 1)
    named = re.findall(r"`([^`\s]+)`", enforced)
    files = [name for name in named if name.startswith(_FOLDERS) or name.endswith((".py", ".yml"))]
    assert files or "README" in enforced, "names no file"
    assert [name for name in files if not exists(name)] == []


@pytest.mark.parametrize("row", rows(UNKNOWN), ids=lambda row: row[0][:40])
def test_an_open_question_has_a_reason_and_a_method(row: list[str]) -> None:
    assert len(row) == 3 and all(row)


def test_both_tables_were_read() -> None:
    assert len(rows(RULES)) > 20 and len(rows(UNKNOWN)) > 5

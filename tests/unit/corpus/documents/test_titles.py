from pathlib import PurePath

import pytest

from ragops.corpus.documents.titles import choose_title, first_heading, readable_stem


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("intro\n\n## Second\n\n# First *one*\n", "First *one"),
        ("## Only **bold**", "Only **bold"),
        ("Set by underline\n===\n", "Set by underline"),
        ("```\n# a comment\n```\n", None),
        ("#\n\ntext", None),
    ],
)
def test_first_heading(markdown: str, title: str | None) -> None:
    assert first_heading(markdown) == title


def test_readable_stem() -> None:
    assert readable_stem(PurePath("x/annual_report-2024.v2.pdf")) == "Annual report 2024.v2"


def test_what_the_format_says_comes_first_and_the_name_last() -> None:
    path = PurePath("harbour_rules.md")
    assert choose_title(" Given\ntitle ", "# Heading", path) == "Given title"
    assert choose_title(" ", "# Heading", path) == "Heading"
    assert choose_title(None, "text", path) == "Harbour rules"
    assert len(choose_title("x" * 1_000, "", path) or "") == 200

from pathlib import PurePath

import pytest

from ragops.corpus.documents.metadata import choose_title, detect_language, first_heading, readable_stem


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
def test_the_first_level_1_heading_is_found(markdown: str, title: str | None) -> None:
    assert first_heading(markdown) == title


def test_a_file_name_becomes_a_title() -> None:
    assert readable_stem(PurePath("x/annual_report-2024.v2.pdf")) == "Annual report 2024.v2"


def test_the_formats_title_comes_first_and_the_file_name_last() -> None:
    path = PurePath("harbour_rules.md")
    assert choose_title(" Given\ntitle ", "# Heading", path) == "Given title"
    assert choose_title(" ", "# Heading", path) == "Heading"
    assert choose_title(None, "text", path) == "Harbour rules"
    assert len(choose_title("x" * 1_000, "", path) or "") == 200


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The harbour opens at six in the morning and closes when the last ship has left.", "en"),
        ("Der Hafen öffnet um sechs Uhr morgens und schließt, wenn das letzte Schiff fort ist.", "de"),
        ("Le port ouvre à six heures du matin et ferme quand le dernier navire est parti.", "fr"),
        ("12345 67890 a b c", None),
        ("```\ndef harbour_opens(hour): return hour\n```", None),
    ],
)
def test_the_language_of_prose_is_detected(text: str, language: str | None) -> None:
    assert detect_language(text) == language

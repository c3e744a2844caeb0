import pytest

from ragops.corpus.documents.languages import detect_language


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
def test_detect_language(text: str, language: str | None) -> None:
    assert detect_language(text) == language

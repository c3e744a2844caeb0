import pytest

from ragops.exploration.text_counts import acronyms, describe, prose, school_grade, words

DOCUMENT = """# A title

First sentence, with [a link](https://example.com/x). Second one!

| a | b |
|---|---|
| 1 | 2 |

```python
# not a heading
x = 1
```

## Below
"""


def test_counts_of_a_document() -> None:
    facts = describe(DOCUMENT)
    assert (facts.headings, facts.tables, facts.code_blocks, facts.sentences) == (2, 1, 1, 2)
    assert facts.words == len(["A", "title", "First", "sentence", "with", "a", "link", "Second", "one", "Below"])
    assert facts.letters == len("AtitleFirstsentencewithalinkSecondoneBelow")
    assert facts.characters == len(DOCUMENT)
    assert facts.garbled == 0


def test_an_empty_text_has_no_words_and_no_sentences() -> None:
    facts = describe("")
    assert (facts.words, facts.sentences, facts.garbled) == (0, 0, 0)


def test_words_without_punctuation_are_one_sentence() -> None:
    assert describe("no mark at all").sentences == 1


def test_prose_leaves_out_code_tables_and_comments() -> None:
    assert "x = 1" not in prose(DOCUMENT) and "| 1" not in prose(DOCUMENT)
    assert "page" not in prose("<!-- page: 3 -->text")


@pytest.mark.parametrize("text", ["caf\ufffd", "\ue000\ue001", "(cid:12)(cid:7)", "itâ€™s", "Ã©tÃ©"])
def test_garbled_text_is_detected(text: str) -> None:
    assert describe(text).garbled > 0.2


@pytest.mark.parametrize("text", ["café Ångström", "naïve — “quotes” … ½", "日本語の文章。", "ÃO"])
def test_sound_text_is_not_garbled(text: str) -> None:
    assert describe(text).garbled == 0


def test_words_and_acronyms() -> None:
    assert words("Don't parse x_1 as O’Neil") == ["Don't", "parse", "x", "as", "O’Neil"]
    assert acronyms("The IBAN and the EU's GPS3, not A nor Iban") == ["IBAN", "EU", "GPS3"]


def test_words_of_scripts_with_marks_are_whole() -> None:
    assert words("हिन्दी की किताब, l’eau") == ["हिन्दी", "की", "किताब", "l’eau"]


def test_the_school_grade_of_a_known_text() -> None:
    # Worked example of the paper's formula: 119 words, 5 sentences, 639 letters.
    assert school_grade(639, 119, 5) == pytest.approx(14.5, abs=0.1)
    assert school_grade(0, 0, 0) == 0

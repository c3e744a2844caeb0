import pytest

from ragops.corpus.chunks.atoms import CHARACTERS_A_TOKEN, Atom, read_atoms, weigh
from ragops.corpus.chunks.blocks import Rank
from ragops.corpus.chunks.structure import read_sections, read_source
from ragops.corpus.chunks.tokens import TokenCounter


def atoms(markdown: str, limit: int, count: TokenCounter) -> list[tuple[str, Rank]]:
    source = read_source(markdown)
    blocks = [(block, limit) for section in read_sections(source) for block in section.blocks]
    return [(source.text[a.start : a.end], a.rank) for group in read_atoms(source.text, blocks, count) for a in group]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ('He said "Go." Then he went.', ['He said "Go." ', "Then he went."]),
        ("Version 3.11 of it. See fig. 2 of it.", ["Version 3.11 of it. ", "See fig. 2 of it."]),
        ("Steps: 1. Open it. 2. Close it.", ["Steps: 1. Open it. 2. Close it."]),
        ("Mr. Smith, Dr. Who and J. Doe met, e.g. Mondays.", ["Mr. Smith, Dr. Who and J. Doe met, e.g. Mondays."]),
        ("and so on... but not here.", ["and so on... but not here."]),
        (
            "the tea is hot. the milk is cold. fig. 2 is new.",
            ["the tea is hot. ", "the milk is cold. ", "fig. 2 is new."],
        ),
        ("sales rose . costs fell . the end", ["sales rose . ", "costs fell . ", "the end"]),
        ("One is here. Two is here. and this is three.", ["One is here. ", "Two is here. and this is three."]),
        ("一。二！三", ["一。", "二！", "三"]),
        ("Bring:\n• a cup\n• a plate", ["Bring:\n", "• a cup\n", "• a plate"]),
    ],
)
def test_prose_is_cut_into_sentences(words: TokenCounter, text: str, sentences: list[str]) -> None:
    assert [piece for piece, _ in atoms(text, 100, words)] == sentences


def test_the_last_sentence_has_the_blocks_rank(words: TokenCounter) -> None:
    assert [rank for _, rank in atoms("One. Two.", 100, words)] == [Rank.SENTENCE, Rank.PARAGRAPH]


def test_a_sentence_over_the_limit_is_cut_into_words(words: TokenCounter) -> None:
    assert atoms("one two, three.", 3, words) == [
        ("one ", Rank.WORD),
        ("two, ", Rank.CLAUSE),
        ("three.", Rank.PARAGRAPH),
    ]


def test_only_the_sentence_over_the_limit_is_cut(words: TokenCounter) -> None:
    assert [piece for piece, _ in atoms("A b. One two three. C d.", 3, words)] == [
        "A b. ",
        "One ",
        "two ",
        "three. ",
        "C d.",
    ]


def test_a_word_over_the_limit_is_cut_into_letters(words: TokenCounter) -> None:
    cut = atoms("a" + "!" * 19, 8, words)
    assert "".join(piece for piece, _ in cut) == "a" + "!" * 19
    assert {rank for _, rank in cut[:-1]} == {Rank.CHARACTER}
    assert max(len(piece) for piece, _ in cut) == 2


def test_a_run_of_letters_that_is_one_unknown_token_weighs_by_its_length(minilm: TokenCounter) -> None:
    run = "x" * 1600
    assert minilm([run]) == [1]
    assert weigh(run, 1) == 1600 // CHARACTERS_A_TOKEN
    assert len(atoms(run, 50, minilm)) > 1


def test_a_whole_document_is_counted_in_few_batches(words: TokenCounter) -> None:
    batches = []

    def recording(texts: list[str]) -> list[int]:
        batches.append(len(texts))
        return words(texts)

    source = read_source("One. Two.\n\n" * 50 + "one two three four five six seven eight nine")
    blocks = [(block, 8) for section in read_sections(source) for block in section.blocks]
    groups: list[list[Atom]] = read_atoms(source.text, blocks, recording)
    assert batches == [101, 9]
    assert [len(group) for group in groups] == [2] * 50 + [9]

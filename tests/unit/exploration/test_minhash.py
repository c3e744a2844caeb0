from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.exploration.minhash import BANDS, SIGNATURE_LENGTH, band_hashes, shingles, signature, similarity

WORDS = st.sampled_from(["heron", "badger", "otter", "lynx", "eats", "fish", "under", "the", "old", "bridge"])
TEXTS = st.lists(WORDS, min_size=1, max_size=80).map(" ".join)
EDITS = st.tuples(TEXTS, st.integers(0, 79), WORDS)
# Six standard errors of a share of 128 draws, 0.5 / sqrt(128) each at most.
BOUND = 6 * 0.0442


def jaccard(first: str, second: str) -> float:
    a, b = shingles(first), shingles(second)
    return len(a & b) / len(a | b)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(EDITS)
def test_the_estimate_is_near_the_true_similarity(edit: tuple[str, int, str]) -> None:
    text, position, word = edit
    parts = text.split()
    parts[position % len(parts)] = word
    other = " ".join(parts)
    assert abs(similarity(signature(text), signature(other)) - jaccard(text, other)) <= BOUND


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TEXTS, TEXTS)
def test_similarity_and_shared_bands_are_symmetric(first: str, second: str) -> None:
    a, b = signature(first), signature(second)
    assert similarity(a, b) == similarity(b, a)
    assert bool(set(band_hashes(a)) & set(band_hashes(b))) == bool(set(band_hashes(b)) & set(band_hashes(a)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TEXTS)
def test_equal_texts_share_every_band_whatever_their_case_and_spaces(text: str) -> None:
    again = "  ".join(text.upper().split())
    assert band_hashes(signature(text)) == band_hashes(signature(again))
    assert similarity(signature(text), signature(again)) == 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TEXTS)
def test_numbers_fit_the_table(text: str) -> None:
    made = signature(text)
    assert len(made) == SIGNATURE_LENGTH
    assert len(band_hashes(made)) == BANDS
    assert all(0 <= number < 2**32 for number in made)
    assert all(0 <= number < 2**63 for number in band_hashes(made))


def test_marks_and_invisible_characters_do_not_make_other_texts() -> None:
    assert shingles("हिन्दी की किताब यहाँ है") == {"हिन्दी की किताब यहाँ है"}
    assert shingles("a pass\u200bphrase opens the gate") == shingles("A passphrase opens the gate")


def test_a_text_without_words_is_similar_to_no_text() -> None:
    assert signature("... !") == []
    assert band_hashes([]) == []
    assert similarity([], signature("a b c")) == 0


def test_a_document_with_a_changed_word_is_a_near_duplicate() -> None:
    text = " ".join(f"word{number}" for number in range(400))
    edited = text.replace("word200", "another")
    assert jaccard(text, edited) > 0.95
    assert similarity(signature(text), signature(edited)) > 0.85
    assert set(band_hashes(signature(text))) & set(band_hashes(signature(edited)))

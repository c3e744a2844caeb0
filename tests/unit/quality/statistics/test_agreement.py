import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, recall_score
from statsmodels.stats.inter_rater import cohens_kappa

from ragops.quality.statistics.agreement import Agreement, agreement

RNG = np.random.default_rng(6)
PEOPLE = RNG.random(400) < 0.7
JUDGE = np.where(RNG.random(400) < 0.12, ~PEOPLE, PEOPLE)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def found(errors: int, of: int = 40) -> Agreement:
    """As many answers, half of them good, with errors of both kinds."""
    people = [number % 2 == 0 for number in range(of)]
    return agreement([good != (number < errors) for number, good in enumerate(people)], people, names(of))


def test_figures_agree_with_scikit_learn_and_the_interval_with_statsmodels() -> None:
    """400 independent answers: BCa over clusters and the asymptotic interval differ little."""
    measured = agreement(JUDGE.tolist(), PEOPLE.tolist(), names(400))
    assert measured.kappa.mean == pytest.approx(cohen_kappa_score(JUDGE, PEOPLE))
    assert measured.sensitivity.mean == pytest.approx(recall_score(PEOPLE, JUDGE))
    assert measured.specificity.mean == pytest.approx(recall_score(~PEOPLE, ~JUDGE))
    assert (measured.n, measured.positives) == (400, PEOPLE.sum())
    table = [[np.sum(PEOPLE & JUDGE), np.sum(PEOPLE & ~JUDGE)], [np.sum(~PEOPLE & JUDGE), np.sum(~PEOPLE & ~JUDGE)]]
    reference = cohens_kappa(np.array(table))
    assert measured.kappa.low == pytest.approx(reference.kappa_low, abs=0.015)
    assert measured.kappa.high == pytest.approx(reference.kappa_upp, abs=0.015)


def test_errors_in_one_document_leave_more_doubt_than_errors_all_over() -> None:
    clusters = [str(number // 4) for number in range(40)]
    people = [number % 2 == 0 for number in range(40)]
    together = agreement([good != (number < 8) for number, good in enumerate(people)], people, clusters)
    spread = agreement([good != (number % 5 == 0) for number, good in enumerate(people)], people, clusters)
    assert together.kappa.mean == spread.kappa.mean == pytest.approx(0.6)
    assert together.kappa.high - together.kappa.low > 1.5 * (spread.kappa.high - spread.kappa.low)


@pytest.mark.parametrize(("errors", "decides"), [(4, True), (8, True), (9, False), (20, False), (40, False)])
def test_a_judge_decides_from_the_minimum_on(errors: int, decides: bool) -> None:
    assert found(errors).decides(0.6) is decides


def test_agreement_on_few_documents_does_not_decide() -> None:
    assert not found(0, of=4).decides(0.6)
    assert found(0, of=6).decides(0.6)


def test_a_perfect_judge_may_have_unseen_errors() -> None:
    small, large = found(0, of=20).kappa, found(0, of=200).kappa
    assert small.mean == small.high == 1 and 0.6 < small.low < 0.7 < large.low < 1


@pytest.mark.parametrize("said", [True, False])
def test_people_who_always_say_the_same_leave_kappa_and_one_share_unknown(said: bool) -> None:
    known = agreement([said] * 10, [said] * 10, names(10))
    assert np.isnan(known.kappa.mean) and not known.decides(-1)
    unknown, other = (known.specificity, known.sensitivity) if said else (known.sensitivity, known.specificity)
    assert np.isnan(unknown.mean) and other.mean == 1 and other.low < 0.7


def test_no_labels_are_no_agreement() -> None:
    nothing = agreement([], [], [])
    assert nothing.n == 0 and np.isnan(nothing.kappa.mean) and not nothing.decides(0)

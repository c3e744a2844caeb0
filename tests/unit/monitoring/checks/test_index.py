"""The live generation: missing, damaged, behind, of another encoder, different from the tables, worse than before."""

import dataclasses
from typing import Any

import pytest

from ragops.corpus.index.generations.verify import CHANGED_FILES, NOT_FOUND, WORDS_DIFFER
from ragops.monitoring.checks.index import COVERAGE, INDEX
from ragops.monitoring.system.coverage import Coverage
from ragops.monitoring.system.golden import Recall
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.runs import RunsState
from tests.support.found_systems import BEFORE, HOUR, LIVE, documents, found, healthy, index, job, report
from tests.support.monitored import NOW


def names(**fields: Any) -> set[str]:
    return set(found(INDEX, **fields))


def test_a_healthy_index_has_no_findings() -> None:
    assert not names()


def test_an_index_is_missed_only_where_there_are_documents() -> None:
    nothing = IndexState("f" * 64)
    assert names(index=nothing) == {"index_missing"}
    assert not names(index=nothing, documents=documents(documents=0))


def test_a_damaged_pointer_or_generation_is_one_finding() -> None:
    one = found(INDEX, index=IndexState("f" * 64, problem="pointer.json is not a readable pointer"))["index_unusable"]
    assert "not a readable pointer" in one.details
    assert names(index=index(problem="generation cannot be opened", verified=None)) == {"index_unusable"}


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({"missing": ("a", "b")}, "index_rows_missing"),
        ({"stale": ("a",)}, "index_rows_stale"),
        ({"different": ("a",)}, "index_rows_differ"),
        ({"wrong_vectors": ("a",)}, "index_vectors_wrong"),
        ({"problems": (f"9 {NOT_FOUND} (a, b)",)}, "index_vectors_wrong"),
        ({"problems": (f"9 {WORDS_DIFFER} (a, b)",)}, "index_words_differ"),
        ({"problems": (f"1 {CHANGED_FILES} (rows.json)",)}, "index_files_changed"),
        ({"problems": ("the manifest counts 3 rows, the index contains 4",)}, "index_inconsistent"),
    ],
)
def test_each_difference_has_a_finding_of_its_own(fields: dict[str, Any], check: str) -> None:
    assert names(index=index(verified=report(**fields))) == {check}


def test_a_changed_file_is_the_cause_of_what_differs() -> None:
    broken = report(missing=("a",), problems=(f"1 {CHANGED_FILES} (passages.sqlite)",))
    some = found(INDEX, index=index(verified=broken, files_changed_at=NOW - HOUR))
    assert set(some) == {"index_rows_missing"}
    one = some["index_rows_missing"]
    assert one.since == NOW - HOUR and "files of the generation were changed at 2026-11-30 08:00" in (one.cause or "")


def test_tables_that_nobody_published_are_the_cause_of_what_differs() -> None:
    late = index(verified=report(missing=("a",)), tables_changed_at=NOW - HOUR)
    assert "the tables were changed" in (found(INDEX, index=late)["index_rows_missing"].cause or "")
    running = RunsState((job("refresh", "running", "success"),))
    assert not names(index=late, runs=running), "a refresh is at work"


def test_a_pointer_that_is_behind_is_worse_than_a_rollback() -> None:
    rolled_back = index(generation=BEFORE, newest=LIVE, previous=LIVE)
    stale = index(generation=BEFORE, newest=LIVE, previous="000005-1a2b3c4d")
    assert found(INDEX, index=rolled_back)["index_pointer_behind"].severity == "low"
    one = found(INDEX, index=stale)["index_pointer_behind"]
    assert one.severity == "high" and "no rollback wrote it" in (one.cause or "")


def test_missing_passages_are_one_finding_without_the_hashes_that_verify_prints() -> None:
    ids, hashes = ("0a" * 16, "1b" * 16, "2c" * 16), f"{'0a' * 32}, {'1b' * 32}, ..."
    problems = (
        f"3 {WORDS_DIFFER} ({hashes})",
        f"3 vectors without a passage ({hashes})",
        f"1 {CHANGED_FILES} (a.sqlite)",
    )
    some = found(INDEX, index=index(verified=report(missing=ids, problems=problems)))
    assert some.keys() == {"index_rows_missing"}
    details = some["index_rows_missing"].details
    assert f"{ids[0]}, {ids[1]}, and 1 more; 3 {WORDS_DIFFER}; 3 vectors without a passage; 1 " in details
    assert "a.sqlite" in details and "0a" * 32 not in details


def test_another_encoder_is_found_by_fingerprint_and_by_vectors() -> None:
    other = index(wanted_fingerprint="9" * 64, verified=None, not_verified="another encoder")
    assert names(index=other) == {"index_encoder_differs"}
    assert names(index=index(encoded_otherwise=15)) == {"vectors_not_of_encoder"}
    for otherwise, cause in ((15, "something else than the encoder"), (16, "another encoder behind the same name")):
        one = found(INDEX, index=index(encoded_otherwise=otherwise))["vectors_not_of_encoder"]
        assert (one.cause or "").startswith(cause)


def test_an_index_that_could_not_be_compared_is_a_finding() -> None:
    assert names(index=index(verified=None, not_verified="5 chunks have no vector")) == {"index_not_verified"}


def test_recall_is_compared_with_the_generation_before() -> None:
    lost = tuple(f"q{one}" for one in range(6))
    one = found(INDEX, index=index(recall=Recall(100, 74, lost=lost, before=BEFORE)))["index_recall_lower"]
    assert (one.value, one.expected) == (0.74, 0.8) and "q0, q1" in one.details
    assert not names(index=index(recall=Recall(100, 75, lost=lost[:5], before=BEFORE)))
    assert not names(index=index(recall=Recall(100, 10)))  # nothing to compare with


def test_golden_questions_without_an_answer_are_out_of_date() -> None:
    few, many = Recall(100, 80, without_gold=("q1",) * 4), Recall(100, 40, without_gold=("q1",) * 30)
    assert not names(index=index(recall=few))
    assert found(INDEX, index=index(recall=many))["question_set_outdated"].severity == "high"


def test_an_encoder_that_cannot_be_loaded_is_a_finding() -> None:
    assert names(index=index(recall=None, not_measured="no such file")) == {"recall_not_measured"}


def test_age_counts_only_where_the_use_case_limits_it() -> None:
    system = healthy()
    limited = system.use_case.model_copy(
        update={"monitoring": system.use_case.monitoring.model_copy(update={"max_generation_days": 0.01})}
    )
    some = list(INDEX.check(dataclasses.replace(system, use_case=limited)))
    assert [one.check for one in some] == ["index_old"]


def test_documents_that_no_question_finds_count_after_many_questions() -> None:
    assert not found(COVERAGE, coverage=Coverage(100, 5, 400))
    assert found(COVERAGE, coverage=Coverage(100, 5, 500))["documents_never_found"].value == pytest.approx(0.95)
    assert not found(COVERAGE, coverage=Coverage(100, 10, 5000))
    assert not found(COVERAGE)

"""Languages and vectors of a sample of questions; who asked for what was judged."""

from datetime import timedelta

import numpy as np
import pandas as pd

from ragops.monitoring.system.answers import ADDED, COLUMNS, no_answers, with_questions
from ragops.monitoring.system.use import JUDGMENT_COLUMNS, no_rows, with_askers
from tests.support.monitored import NOW, clean

RECENT = NOW - timedelta(hours=24)
ROWS = clean().answers.drop(columns=["language", "vector"])


def encode(texts: list[str]) -> np.ndarray:
    return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_a_sample_gets_languages_and_vectors_a_third_of_it_recent() -> None:
    found = with_questions(ROWS, RECENT, 90, encode)
    sampled = found[found["vector"].notna()]
    assert len(sampled) == 90 and (sampled["asked_at"] > RECENT).sum() == 30
    assert found["language"].notna().sum() == 90 and set(sampled["language"]) <= {"en", "unknown", "de", "fr", "nl"}
    assert all(vector[0] == len(text) for vector, text in zip(sampled["vector"], sampled["question"], strict=True))
    again = with_questions(ROWS.sample(frac=1, random_state=1), RECENT, 90, encode)
    assert set(again[again["vector"].notna()]["answer_id"]) == set(sampled["answer_id"])


def test_a_small_system_is_sampled_whole_and_an_encoder_may_be_missing() -> None:
    assert with_questions(ROWS, RECENT, 100_000, encode)["vector"].notna().all()
    blind = with_questions(ROWS, RECENT, 50, None)
    assert blind["vector"].isna().all() and blind["language"].notna().sum() == 50
    assert with_questions(ROWS, RECENT, 0, encode)["vector"].isna().all()
    nothing = with_questions(no_answers().drop(columns=["language", "vector"]), RECENT, 50, encode)
    assert tuple(nothing.columns) == (*COLUMNS, *ADDED) and nothing.empty


def test_judgments_of_answers_that_are_known_have_their_askers() -> None:
    answers = clean().answers.head(2)
    at = pd.Timestamp(NOW)
    judgments = pd.DataFrame(
        {"answer_id": [answers["answer_id"].iloc[0], "other"], "cluster": ["c1", "c2"], "judged_at": [at, at]}
    )
    found = with_askers(judgments, answers)
    assert found["who"].tolist() == [answers["who"].iloc[0], "c2"]
    assert found["asked_at"].tolist() == [answers["asked_at"].iloc[0], at]
    assert with_askers(judgments, no_answers())["who"].tolist() == ["c1", "c2"]
    assert with_askers(no_rows(JUDGMENT_COLUMNS), answers).empty

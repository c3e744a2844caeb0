"""Checks of languages, topics and drift."""

from dataclasses import replace
from typing import Any

import numpy as np

from ragops.monitoring.checks.question_topics import QUESTION_TOPICS
from tests.support.monitored import an_empty_system, changed, clean, findings, is_recent, some

RECENT = is_recent(clean().answers)


def test_a_clean_system_an_empty_one_and_one_without_vectors_are_silent() -> None:
    assert findings(clean(), QUESTION_TOPICS) == {}
    assert findings(an_empty_system(), QUESTION_TOPICS) == {}
    blind = replace(clean(), answers=clean().answers.assign(vector=None, language=None))
    assert findings(blind, QUESTION_TOPICS) == {}


def test_questions_in_another_language() -> None:
    german = some(RECENT, 0.6)
    system = changed(clean(), "answers", german, language="de", question="Wie funktioniert das?")
    found = findings(system, QUESTION_TOPICS)["questions_language"]
    assert found.severity == "high" and "de, in which there are no documents" in found.title
    assert found.cause == "users ask in another language: de" and "Wie funktioniert" in found.details
    assert found.since == system.answers.loc[german, "asked_at"].min()


def test_a_new_topic_has_a_name_and_explains_the_drift() -> None:
    new = some(RECENT, 0.5)
    vector = np.full(16, 6.0, np.float32)
    fields: dict[str, Any] = {"vector": [vector] * int(new.sum()), "question": "Which holiday allowance applies?"}
    system = changed(clean(), "answers", new, **fields, abstained="no evidence")
    found = findings(system, QUESTION_TOPICS)
    assert set(found) == {"questions_topic"}
    topic = found["questions_topic"]
    assert "holiday" in topic.title and "allowance" in (topic.cause or "")
    assert "100% of them have no evidence" in topic.details and "not among the 8 topics" in topic.details


def test_questions_that_drift_without_a_new_group() -> None:
    table = clean().answers
    moved = [vector + np.float32(0.8) for vector in table.loc[RECENT, "vector"]]
    assert "questions_drift" in findings(changed(clean(), "answers", RECENT, vector=moved), QUESTION_TOPICS)

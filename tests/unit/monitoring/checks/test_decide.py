"""Which findings of a run count."""

from ragops.monitoring.checks.all import TOPICS
from ragops.monitoring.checks.decide import EXPLAINED_BY, FALSE_FINDINGS, LEAST, decide
from ragops.monitoring.finding import Found
from tests.support.monitored import NOW, Use, a_clean_system

CATALOGUE = {check for topic in TOPICS for check in topic.findings}


def found(check: str, p_value: float | None, value: float = 1.0, expected: float = 0.0) -> Found:
    return Found(check, "", "low", "t", NOW, "a", "c", value=value, expected=expected, unit="share", p_value=p_value)


def test_what_is_certain_counts_and_chance_does_not() -> None:
    certain, sure, chance = found("a", None), found("b", FALSE_FINDINGS / 2), found("c", 0.01)
    assert decide([certain, sure, chance]) == [certain, sure]


def test_many_comparisons_ask_for_more() -> None:
    sure = found("b", FALSE_FINDINGS / 2)
    assert decide([sure, *[found(f"c{n}", 0.5) for n in range(20)]]) == []


def test_a_trifle_does_not_matter_however_significant() -> None:
    trifle, more = found("answers_citations", 1e-9, 0.97, 0.99), found("answers_citations", 1e-9, 0.9, 0.99)
    slower, slow = found("model_slow", 1e-9, 1.2, 1.0), found("model_slow", 1e-9, 1.7, 1.0)
    assert decide([trifle, more, slower, slow]) == [more, slow]


def test_what_another_finding_explains_is_left_out() -> None:
    drift, topic = found("questions_drift", 1e-9), found("questions_topic", 1e-9)
    assert decide([drift]) == [drift] and decide([drift, topic]) == [topic]


def test_rules_name_checks_that_exist() -> None:
    named = {*LEAST, *EXPLAINED_BY, *(one for others in EXPLAINED_BY.values() for one in others)}
    assert named - CATALOGUE == set()


def test_clean_systems_have_no_false_findings() -> None:
    """`python -m tests.bench.monitoring_false_alarms` does the same with 1,000 systems."""
    topics = [one for one in TOPICS if not {"documents", "history", "index", "runs", "coverage"} & set(one.sources)]
    uses = (Use(people=12, a_day=3), Use(), Use(people=25, a_day=12), Use(people=120, a_day=1))
    for seed, use in enumerate(uses):
        system = a_clean_system(1_000 + seed, use)
        reported = [one for topic in topics if topic.name != "sources" for one in topic.check(system)]
        assert sum(one.p_value is not None for one in reported) > 20
        assert decide(reported) == []

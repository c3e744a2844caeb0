from ragops.answers.llms.resilience.cache import Answers
from ragops.answers.llms.types import Reply
from tests.support.llms import ask

REPLY = Reply("a", "m", "scripted", 1, 1, 0.0, "stop")


def test_only_the_very_same_request_of_the_same_model_hits() -> None:
    cache = Answers(2)
    cache.put("m", ask("a"), REPLY)
    assert cache.get("m", ask("a", timeout_s=1.0)) is REPLY
    assert cache.get("m", ask("a", evidence=("x",))) is None
    assert cache.get("n", ask("a")) is None


def test_the_one_not_used_for_longest_goes() -> None:
    cache = Answers(2)
    for text in ("a", "b"):
        cache.put("m", ask(text), REPLY)
    cache.get("m", ask("a"))
    cache.put("m", ask("c"), REPLY)
    assert [cache.get("m", ask(text)) is REPLY for text in ("a", "b", "c")] == [True, False, True]


def test_nothing_random_is_kept_and_a_cache_of_none_keeps_none() -> None:
    cache = Answers(2)
    cache.put("m", ask("a", temperature=0.7), REPLY)
    assert cache.get("m", ask("a", temperature=0.7)) is None
    none = Answers(0)
    none.put("m", ask("a"), REPLY)
    assert none.get("m", ask("a")) is None

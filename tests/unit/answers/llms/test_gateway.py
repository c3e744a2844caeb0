import base64
import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from ragops.answers.llms.errors import (
    Busy,
    ContextOverflow,
    EmptyAnswer,
    Malformed,
    NoCapacity,
    PolicyError,
    Rejected,
    Resting,
    ServerFault,
    Unavailable,
)
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.encryption import KeyRing, Sealed
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.settings import AnyModel, Models
from ragops.answers.llms.types import LanguageModel, Pieces, Reply, Request, drain
from tests.support.llms import ME, Clock, ask, models, scripted, served

KEYS = KeyRing.parse("k1:" + base64.b64encode(bytes(32)).decode())


class Scene:
    """A gateway with scripted models; records its ledger rows and pauses."""

    def __init__(
        self,
        use_case: Models,
        replies: dict[str, Iterable[str | Exception]],
        classification: str = "public",
        **rest: Any,
    ) -> None:
        self.clock, self.ledger = Clock(), MemorySink()
        self.models = {name: ScriptedModel(script, name) for name, script in replies.items()}
        self.opened: list[str] = []
        self.gateway = Gateway(use_case, Policy(classification), self.open, self.ledger, sleep=self.clock.sleep, **rest)

    def open(self, settings: AnyModel) -> LanguageModel:
        self.opened.append(settings.name)
        if settings.name not in self.models:
            raise Unavailable(f"Model {settings.name}: not here")
        return self.models[settings.name]

    def asked(self, name: str) -> int:
        return len(self.models[name].requests)

    @property
    def outcomes(self) -> list[tuple[str, str, str | None, str | None]]:
        return [(row.model, row.outcome, row.error, row.fallback_of) for row in self.ledger.rows]


def pair(**rest: Any) -> Models:
    return models("first", ["second"], scripted("first"), scripted("second"), **rest)


def whole(scene: Scene, request: Request) -> Reply:
    return scene.gateway.generate(request, ME)


def in_pieces(scene: Scene, request: Request) -> Reply:
    return drain(scene.gateway.stream(request, ME))


both = pytest.mark.parametrize("send", [whole, in_pieces])


@both
def test_an_answered_call_gets_a_complete_ledger_row(send: Any) -> None:
    priced = scripted("first", price_per_million_input=1_000, price_per_million_output=10_000)
    scene = Scene(models("first", [], priced), {"first": ["an answer"]})
    reply = send(scene, ask())
    assert (reply.text, reply.model, reply.cached) == ("an answer", "first", False)
    (row,) = scene.ledger.rows
    assert (row.who, row.purpose, row.prompt_name, row.prompt_version) == ("me@firm", "ask", "answer", "3")
    assert (row.model, row.provider, row.outcome, row.error) == ("first", "scripted", "answered", None)
    assert (row.prompt_tokens, row.completion_tokens, row.attempts, row.cached) == (3, 2, 1, False)
    assert row.cost == pytest.approx(3 * 0.001 + 2 * 0.01)
    assert (row.finish_reason, row.fallback_of, row.trace_id) == ("stop", None, "trace-1")
    assert (row.key_id, row.payload) == (None, None)


@both
def test_the_same_request_is_answered_from_the_cache(send: Any) -> None:
    scene = Scene(models("first", [], scripted("first", price_per_second=1e9)), {"first": ["a", "b"]})
    replies = [send(scene, ask()) for _ in range(2)]
    assert [(reply.text, reply.cached) for reply in replies] == [("a", False), ("a", True)]
    row = scene.ledger.rows[1]
    assert (row.cached, row.attempts, row.cost, row.prompt_tokens, row.completion_tokens) == (True, 0, 0, 0, 0)
    assert send(scene, ask("another")).text == "b"


@both
def test_a_busy_model_is_retried_after_the_time_it_asks_for(send: Any) -> None:
    scene = Scene(pair(), {"first": [Busy("slow", 3.0), ServerFault("oops"), "at last"]})
    assert send(scene, ask()).text == "at last"
    assert len(scene.clock.slept) == 2
    assert scene.clock.slept[0] >= 3
    assert [row.attempts for row in scene.ledger.rows] == [3]


@both
@pytest.mark.parametrize("failure", [Rejected("no"), EmptyAnswer("-"), ServerFault("down"), Malformed("?")])
def test_a_failed_model_is_replaced_by_its_fallback(send: Any, failure: Exception) -> None:
    scene = Scene(pair(), {"first": [failure], "second": ["well"]})
    reply = send(scene, ask())
    assert (reply.text, reply.model) == ("well", "second")
    assert scene.outcomes == [
        ("first", "failed", type(failure).__name__, None),
        ("second", "answered", None, "first"),
    ]


@both
def test_the_fallback_reason_in_the_ledger_has_no_words_of_the_server(send: Any) -> None:
    refused = Rejected("Model first: HTTP 400 the prompt says: my secret", status=400)
    use_case = pair(resilience={"attempts": 1}, cache=0)
    scene = Scene(use_case, {"first": [refused, Busy("slow")], "second": ["well"]})
    for _ in range(2):
        send(scene, ask())
    reasons = [(row.model, row.fallback_reason) for row in scene.ledger.rows]
    assert reasons == [("first", None), ("second", "Rejected, HTTP 400"), ("first", None), ("second", "Busy")]


@both
@pytest.mark.parametrize("last", [Rejected("Model second: not this"), ContextOverflow("second", "too long")])
def test_if_all_models_fail_the_error_names_each_reason(send: Any, last: Exception) -> None:
    scene = Scene(pair(), {"first": [Rejected("Model first at http://x: HTTP 400 no; fix it")], "second": [last]})
    words = str(last)
    with pytest.raises(type(last)) as raised:
        send(scene, ask())
    assert str(raised.value) == f"{words} (fallback after first: HTTP 400 no; fix it)"


@both
def test_a_reply_names_the_models_that_failed_before_it(send: Any) -> None:
    scene = Scene(pair(), {"first": [Rejected("Model first at http://x: no; fix it"), "mine"], "second": ["well"]})
    assert [send(scene, ask()).failed for _ in range(2)] == [{"first": "no; fix it"}, {}]
    scene = Scene(pair(), {"first": [Rejected("Model first: down")], "second": ["well"]})
    assert [send(scene, ask()).failed for _ in range(2)] == [{"first": "down"}] * 2  # the second from the cache


@both
def test_a_model_that_is_not_available_is_skipped(send: Any) -> None:
    scene = Scene(pair(), {"second": ["well"]})
    assert send(scene, ask()).model == "second"
    assert scene.outcomes[0] == ("first", "failed", "Unavailable", None)


@both
def test_if_all_models_fail_the_last_error_is_raised(send: Any) -> None:
    scene = Scene(pair(), {"first": [ServerFault("one")], "second": [Rejected("two")]})
    with pytest.raises(Rejected, match="two"):
        send(scene, ask())
    assert [row.outcome for row in scene.ledger.rows] == ["failed", "failed"]


@both
def test_a_fallback_s_answer_is_not_cached_for_the_primary_model(send: Any) -> None:
    scene = Scene(pair(), {"first": [Rejected("not yet"), "mine"], "second": ["well"]})
    assert [send(scene, ask()).text for _ in range(2)] == ["well", "mine"]


@both
def test_the_breaker_opens_for_a_model_that_keeps_failing(send: Any) -> None:
    use_case = pair(resilience={"attempts": 1, "failures_to_rest": 2}, cache=0)
    scene = Scene(use_case, {"first": [ServerFault("down")], "second": ["well"]})
    for _ in range(4):
        assert send(scene, ask()).model == "second"
    assert scene.asked("first") == 2
    assert [row.error for row in scene.ledger.rows if row.model == "first"] == ["ServerFault"] * 2 + ["Resting"] * 2


@both
def test_a_request_too_long_for_the_primary_model_is_an_error(send: Any) -> None:
    scene = Scene(pair(), {"second": ["well"]})
    scene.models["first"] = ScriptedModel(["x"], "first", context_tokens=10)
    with pytest.raises(ContextOverflow, match="Model first"):
        send(scene, ask())
    assert scene.outcomes == [("first", "refused", "ContextOverflow", None)]


@both
def test_a_fallback_with_too_small_a_context_is_skipped(send: Any) -> None:
    use_case = models("first", ["second", "third"], scripted("first"), scripted("second"), scripted("third"))
    scene = Scene(use_case, {"first": [Rejected("no")], "third": ["well"]})
    scene.models["second"] = ScriptedModel(["x"], "second", context_tokens=10)
    assert send(scene, ask()).model == "third"


@both
def test_policy_rejects_before_any_model_is_opened(send: Any) -> None:
    use_case = models("own", ["gpt"], scripted("own"), served("gpt"))
    scene = Scene(use_case, {"own": ["well"], "gpt": ["well"]}, "confidential")
    with pytest.raises(PolicyError, match="Model gpt"):
        send(scene, ask())
    assert scene.opened == []
    assert scene.outcomes == [("gpt", "refused", "PolicyError", None)]


@both
def test_internal_texts_are_redacted_for_models_that_are_not_private(send: Any) -> None:
    use_case = models("gpt", ["own"], served("gpt"), scripted("own"))
    scene = Scene(use_case, {"gpt": [Rejected("no")], "own": ["well"]}, "internal")
    send(scene, ask("mail jane@firm.de"))
    seen = {name: model.requests[0].messages[0].content for name, model in scene.models.items()}
    assert seen == {"gpt": "mail [EMAIL_1]", "own": "mail jane@firm.de"}


@both
def test_answer_length_and_time_are_capped_by_the_use_case(send: Any) -> None:
    scene = Scene(models("first", [], scripted("first", max_tokens=7, timeout_s=9)), {"first": ["a"]})
    send(scene, ask(max_tokens=100))
    sent = scene.models["first"].requests[0]
    assert (sent.max_tokens, sent.timeout_s) == (7, 9)


@both
def test_payloads_are_encrypted(send: Any) -> None:
    scene = Scene(pair(), {"first": ["the answer"]}, keys=KEYS)
    send(scene, ask("the question"))
    (row,) = scene.ledger.rows
    assert row.key_id == "k1"
    assert "the question" not in row.model_dump_json()
    opened = json.loads(KEYS.open(Sealed("k1", base64.b64decode(row.payload or "")), row.call_id))
    assert opened == {"messages": [{"role": "user", "content": "the question"}], "answer": "the answer"}


class Breaking(ScriptedModel):
    """Fails in the middle of its answer."""

    def stream(self, request: Request) -> Pieces:
        yield "The beginning "
        raise Malformed("the answer broke off")


def test_a_broken_stream_does_not_fall_back() -> None:
    scene = Scene(pair(), {"second": ["well"]})
    scene.models["first"] = Breaking(["-"], "first")
    pieces = scene.gateway.stream(ask(), ME)
    assert next(pieces) == "The beginning "
    with pytest.raises(Malformed):
        next(pieces)
    assert scene.outcomes == [("first", "failed", "Malformed", None)]
    assert scene.asked("second") == 0


class Blank(ScriptedModel):
    """Starts with blanks and then gives no answer."""

    def stream(self, request: Request) -> Pieces:
        yield "\n"
        raise EmptyAnswer("the answer is empty")


def test_a_stream_that_starts_with_blanks_can_still_fall_back() -> None:
    scene = Scene(pair(), {"second": ["well"]})
    scene.models["first"] = Blank(["-"], "first")
    assert in_pieces(scene, ask()).model == "second"


def test_an_abandoned_stream_is_recorded_and_frees_its_slot() -> None:
    scene = Scene(models("first", [], scripted("first", concurrency=1)), {"first": ["one two three"]})
    pieces = scene.gateway.stream(ask(), ME)
    assert next(pieces) == "one"
    pieces.close()
    assert scene.outcomes == [("first", "abandoned", None, None)]
    assert in_pieces(scene, ask()).text == "one two three"


def test_quotes_answer_after_the_deadline() -> None:
    quotes = {"name": "quotes", "provider": "extractive"}
    use_case = models("first", ["quotes"], scripted("first"), quotes, answer={"deadline_s": 1e-9})
    scene = Scene(use_case, {"first": ["-"], "quotes": ["a quote"]})
    assert whole(scene, ask()).model == "quotes"
    assert scene.outcomes[0] == ("first", "failed", NoCapacity.__name__, None)


def test_a_busy_slot_does_not_count_as_a_failure_of_the_model() -> None:
    use_case = models(
        "first",
        [],
        scripted("first", concurrency=1),
        resilience={"attempts": 1, "failures_to_rest": 2},
        answer={"deadline_s": 0.05},
    )
    scene = Scene(use_case, {"first": [ServerFault("down"), "one two", ServerFault("down")]})
    with pytest.raises(ServerFault):
        whole(scene, ask())
    streaming = scene.gateway.stream(ask(), ME)
    assert next(streaming) == "one"  # occupies the only slot
    with pytest.raises(NoCapacity):
        whole(scene, ask())
    streaming.close()
    for error in (ServerFault, Resting):
        with pytest.raises(error):
            whole(scene, ask())


def test_threads_share_models_and_limits() -> None:
    use_case = models("first", [], scripted("first", concurrency=3), cache=0)
    inside, most, lock = 0, 0, threading.Lock()
    gate = threading.Barrier(3, timeout=10)

    def rule(_request: Request) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        gate.wait()
        with lock:
            inside -= 1
        return "well"

    scene = Scene(use_case, {"first": ["-"]})
    scene.models["first"] = ScriptedModel(rule, "first")
    scene.models["first"]._lock = _NoLock()  # the rule itself must run concurrently
    threads = [threading.Thread(target=whole, args=(scene, ask(str(number)))) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(scene.ledger.rows), most, scene.opened) == (9, 3, ["first"])


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_the_primary_model_is_the_first_of_the_chain() -> None:
    scene = Scene(pair(), {"first": ["-"]})
    assert scene.gateway.primary.name == "first"

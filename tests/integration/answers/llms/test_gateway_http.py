"""The gateway with a real HTTP server: policy, retries, fallback and deadlines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ragops.answers.llms.errors import ModelFailure, PolicyError
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.open import open_gateway, open_model
from ragops.answers.llms.policy import Classification, Policy
from ragops.answers.llms.settings import DEFAULT_ABSTENTION
from ragops.answers.llms.types import drain
from ragops.platform.workspace import Workspace
from tests.support.llms import ME, Clock, ask, models, served
from tests.support.openai_double import Behavior, OpenAIDouble, serving

QUOTES = {"name": "quotes", "provider": "extractive"}
WORKSPACE = Workspace("main", "rag")


def gateway(
    double: OpenAIDouble, classification: Classification = "public", timeout_s: float = 60
) -> tuple[Gateway, MemorySink, Clock]:
    use_case = models("gpt", ["quotes"], served("gpt", base_url=double.url, timeout_s=timeout_s), QUOTES)
    rows, clock = MemorySink(), Clock()
    return (
        Gateway(use_case, Policy(classification), lambda one: open_model(one, WORKSPACE), rows, sleep=clock.sleep),
        rows,
        clock,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_forbidden_by_policy_sends_nothing(stream: bool) -> None:
    with serving() as double:
        opened, rows, _ = gateway(double, "confidential")
        with pytest.raises(PolicyError):
            drain(opened.stream(ask("secret"), ME)) if stream else opened.generate(ask("secret"), ME)
    assert double.bodies == []
    assert [row.outcome for row in rows.rows] == ["refused"]


def test_a_server_named_by_the_environment_is_private_only_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    use_case = models("own", [], served("own", private=True))
    with serving() as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url.replace("127.0.0.1", "0.0.0.0"))  # not a loopback name
        with pytest.raises(PolicyError, match="OPENAI_BASE_URL"):
            open_gateway(use_case, "confidential", WORKSPACE).generate(ask("secret"), ME)
        assert double.bodies == []
        open_gateway(use_case, "public", WORKSPACE).generate(ask(), ME)
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        open_gateway(use_case, "confidential", WORKSPACE).generate(ask("secret"), ME)
        assert len(double.bodies) == 2


def test_personal_data_is_replaced_before_sending() -> None:
    with serving() as double:
        opened, _, _ = gateway(double, "internal")
        opened.generate(ask("mail jane@firm.de, IBAN DE89 3704 0044 0532 0130 00"), ME)
    assert double.bodies[0]["messages"][0]["content"] == "mail [EMAIL_1], IBAN [IBAN_1]"


def test_a_busy_server_is_retried_after_the_time_it_asks_for() -> None:
    with serving(Behavior(status=429, headers={"Retry-After": "9"}), Behavior(status=503), Behavior()) as double:
        opened, rows, clock = gateway(double)
        reply = opened.generate(ask(), ME)
    assert reply.model == "gpt"
    assert len(double.bodies) == 3
    assert 9 <= clock.slept[0] <= 10
    assert rows.rows[0].attempts == 3


@pytest.mark.parametrize(
    ("behavior", "error", "attempts"),
    [
        (Behavior(status=500), "ServerFault", 3),
        (Behavior(hangs=True), "TimedOut", 3),
        (Behavior(text=""), "EmptyAnswer", 1),
        (Behavior(raw="data: {malformed\n\n"), "Malformed", 3),
        (Behavior(status=401), "Rejected", 1),
        (Behavior(cut_after=0), None, 3),
    ],
    ids=str,
)
def test_if_the_server_fails_quotes_answer(behavior: Behavior, error: str | None, attempts: int) -> None:
    request = ask(question="When do lists grow?", evidence=("Lists grow when items are appended.",))
    with serving(behavior) as double:
        opened, rows, _ = gateway(double, timeout_s=0.5 if behavior.hangs else 60)
        reply = drain(opened.stream(request, ME))
        # A busy machine may take half a second to send a request that hangs: it is an attempt all the same.
        assert len(double.bodies) == attempts or behavior.hangs
    assert (reply.text, reply.model) == ("Lists grow when items are appended. [1]", "quotes")
    failed, answered = rows.rows
    assert (failed.outcome, failed.attempts, answered.outcome, answered.fallback_of) == (
        "failed",
        attempts,
        "answered",
        "gpt",
    )
    assert error in {None, failed.error}
    status = f", HTTP {behavior.status}" if behavior.status != 200 else ""
    assert answered.fallback_reason == f"{failed.error}{status}"


@pytest.mark.parametrize("stream", [False, True])
def test_the_deadline_applies_to_a_server_that_sends_only_keep_alives(stream: bool) -> None:
    use_case = models("gpt", ["quotes"], served("gpt"), QUOTES, answer={"deadline_s": 0.5})
    with serving(Behavior(endless=": keep-alive\n\n")) as double:
        model = use_case.named("gpt").model_copy(update={"base_url": double.url})
        rows = MemorySink()
        result = use_case.model_copy(update={"known": (model, use_case.named("quotes"))})
        opened = Gateway(result, Policy("public"), lambda one: open_model(one, WORKSPACE), rows)
        reply = drain(opened.stream(ask(), ME)) if stream else opened.generate(ask(), ME)
        assert len(double.bodies) == 1
    assert (reply.model, rows.rows[0].error) == ("quotes", "TimedOut")


def test_a_stream_cut_after_its_first_piece_does_not_fall_back() -> None:
    with serving(Behavior(cut_after=3)) as double:
        opened, rows, _ = gateway(double)
        pieces = opened.stream(ask(), ME)
        assert next(pieces) == "The "
        with pytest.raises(ModelFailure):
            list(pieces)
        assert len(double.bodies) == 1
    assert [(row.model, row.outcome) for row in rows.rows] == [("gpt", "failed")]


def test_the_breaker_opens_for_a_server_that_is_down() -> None:
    with serving() as double:
        gone = double
    opened, rows, _ = gateway(gone)
    texts = {opened.generate(ask(str(number)), ME).text for number in range(3)}
    assert texts == {DEFAULT_ABSTENTION}
    assert [row.error for row in rows.rows if row.model == "gpt"] == ["Unreachable", "Resting", "Resting"]


def test_streaming_counts_the_same_tokens_as_generating() -> None:
    ways: list[Callable[[Gateway], object]] = [
        lambda one: one.generate(ask(), ME),
        lambda one: drain(one.stream(ask(), ME)),
    ]
    counted = []
    for way in ways:
        with serving() as double:
            opened, rows, _ = gateway(double)
            way(opened)
        counted.append((rows.rows[0].prompt_tokens, rows.rows[0].completion_tokens))
    assert counted[0] == counted[1] == (3, 5)

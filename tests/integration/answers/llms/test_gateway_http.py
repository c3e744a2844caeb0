"""The gateway before a real HTTP server: what policy forbids sends nothing, and what fails is fixed or passed on."""

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
from tests.support.openai_double import Behaviour, OpenAIDouble, serving

QUOTES = {"name": "quotes", "provider": "extractive"}
PLACE = Workspace("main", "rag")


def gateway(double: OpenAIDouble, classification: Classification = "public") -> tuple[Gateway, MemorySink, Clock]:
    use_case = models("gpt", ["quotes"], served("gpt", base_url=double.url, timeout_s=0.5), QUOTES)
    rows, clock = MemorySink(), Clock()
    return (
        Gateway(use_case, Policy(classification), lambda one: open_model(one, PLACE), rows, sleep=clock.sleep),
        rows,
        clock,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_against_policy_no_byte_leaves(stream: bool) -> None:
    with serving() as double:
        opened, rows, _ = gateway(double, "confidential")
        with pytest.raises(PolicyError):
            drain(opened.stream(ask("secret"), ME)) if stream else opened.generate(ask("secret"), ME)
    assert double.bodies == []
    assert [row.outcome for row in rows.rows] == ["refused"]


def test_whatever_the_environment_names_is_not_private_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    use_case = models("own", [], served("own", private=True))
    with serving() as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url.replace("127.0.0.1", "0.0.0.0"))  # the same, by no local name
        with pytest.raises(PolicyError, match="OPENAI_BASE_URL"):
            open_gateway(use_case, "confidential", PLACE).generate(ask("secret"), ME)
        assert double.bodies == []
        open_gateway(use_case, "public", PLACE).generate(ask(), ME)
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        open_gateway(use_case, "confidential", PLACE).generate(ask("secret"), ME)
        assert len(double.bodies) == 2


def test_personal_data_does_not_leave() -> None:
    with serving() as double:
        opened, _, _ = gateway(double, "internal")
        opened.generate(ask("mail jane@firm.de, IBAN DE89 3704 0044 0532 0130 00"), ME)
    assert double.bodies[0]["messages"][0]["content"] == "mail [EMAIL_1], IBAN [IBAN_1]"


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    with serving(Behaviour(status=429, headers={"Retry-After": "9"}), Behaviour(status=503), Behaviour()) as double:
        opened, rows, clock = gateway(double)
        reply = opened.generate(ask(), ME)
    assert reply.model == "gpt"
    assert len(double.bodies) == 3
    assert 9 <= clock.slept[0] <= 10
    assert rows.rows[0].attempts == 3


@pytest.mark.parametrize(
    ("behaviour", "error", "attempts"),
    [
        (Behaviour(status=500), "ServerFault", 3),
        (Behaviour(delay_s=1.0), "TimedOut", 3),
        (Behaviour(text=""), "EmptyAnswer", 1),
        (Behaviour(raw="data: {malformed\n\n"), "Malformed", 3),
        (Behaviour(status=401), "Rejected", 1),
        (Behaviour(cut_after=0), None, 3),
    ],
    ids=str,
)
def test_whatever_befalls_the_server_the_evidence_answers(
    behaviour: Behaviour, error: str | None, attempts: int
) -> None:
    request = ask(question="When do lists grow?", evidence=("Lists grow when items are appended.",))
    with serving(behaviour) as double:
        opened, rows, _ = gateway(double)
        reply = drain(opened.stream(request, ME))
        assert len(double.bodies) == attempts
    assert (reply.text, reply.model) == ("Lists grow when items are appended. [1]", "quotes")
    failed, answered = rows.rows
    assert (failed.outcome, failed.attempts, answered.outcome, answered.fallback_of) == (
        "failed",
        attempts,
        "answered",
        "gpt",
    )
    assert error in {None, failed.error}
    status = f", HTTP {behaviour.status}" if behaviour.status != 200 else ""
    assert answered.fallback_reason == f"{failed.error}{status}"


@pytest.mark.parametrize("stream", [False, True])
def test_the_deadline_holds_against_a_server_that_keeps_the_connection_alive(stream: bool) -> None:
    use_case = models("gpt", ["quotes"], served("gpt"), QUOTES, answer={"deadline_s": 0.5})
    with serving(Behaviour(endless=": keep-alive\n\n")) as double:
        model = use_case.named("gpt").model_copy(update={"base_url": double.url})
        rows = MemorySink()
        result = use_case.model_copy(update={"known": (model, use_case.named("quotes"))})
        opened = Gateway(result, Policy("public"), lambda one: open_model(one, PLACE), rows)
        reply = drain(opened.stream(ask(), ME)) if stream else opened.generate(ask(), ME)
        assert len(double.bodies) == 1
    assert (reply.model, rows.rows[0].error) == ("quotes", "TimedOut")


def test_a_stream_cut_after_its_beginning_is_an_error_and_no_second_answer() -> None:
    with serving(Behaviour(cut_after=3)) as double:
        opened, rows, _ = gateway(double)
        pieces = opened.stream(ask(), ME)
        assert next(pieces) == "The "
        with pytest.raises(ModelFailure):
            list(pieces)
        assert len(double.bodies) == 1
    assert [(row.model, row.outcome) for row in rows.rows] == [("gpt", "failed")]


def test_a_server_that_is_gone_is_left_alone_after_some_failures() -> None:
    with serving() as double:
        gone = double
    opened, rows, _ = gateway(gone)
    texts = {opened.generate(ask(str(number)), ME).text for number in range(3)}
    assert texts == {DEFAULT_ABSTENTION}
    assert [row.error for row in rows.rows if row.model == "gpt"] == ["Unreachable", "Resting", "Resting"]


def test_streaming_and_whole_cost_the_same() -> None:
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

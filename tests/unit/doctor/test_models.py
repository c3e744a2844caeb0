"""Which models are to be had, and which fields of a request a server takes: against one that is strict."""

import json
from pathlib import Path

import httpx
import pytest

from ragops.doctor.models import ask_fields, check_embedding, check_language_models, wants_secrets
from ragops.platform.workspace import Workspace
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[3]
USE_CASE = load_usecase(ROOT / "usecase.yml")
PLACE = Workspace("spark_catalog", "rag")


def strict(request: httpx.Request) -> httpx.Response:
    """As Databricks' model API: unknown fields are refused."""
    unknown = json.loads(request.content).keys() - {"model", "messages", "max_tokens", "temperature", "stream"}
    if unknown:
        return httpx.Response(400, text=f'json: unknown field "{sorted(unknown)[0]}"')
    return httpx.Response(200, json={"choices": []})


def asked(answer: httpx.MockTransport) -> dict[str, tuple[str, str, str]]:
    with httpx.Client(transport=answer) as client:
        return {what: tuple(rest) for what, *rest in ask_fields(client, "http://s/chat/completions", "llama")}


def test_fields_that_a_server_refuses_are_named_with_the_fix() -> None:
    found = asked(httpx.MockTransport(strict))
    assert found["llama"] == ("answers", "ok", "")
    assert found["temperature"][0] == "taken"
    for name in ("seed", "stream_options", "response_format"):
        assert found[name][0].startswith("HTTP 400 json: unknown field") or "unknown field" in found[name][0]
        assert "`omit`" in found[name][2]


def test_a_server_that_does_not_answer_is_missing_and_asked_once() -> None:
    asks: list[httpx.Request] = []

    def refusing(request: httpx.Request) -> httpx.Response:
        asks.append(request)
        return httpx.Response(403, text="PERMISSION_DENIED")

    found = asked(httpx.MockTransport(refusing))
    assert list(found) == ["llama"] and found["llama"][1] == "missing" and len(asks) == 1


def test_the_first_model_is_needed_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = {finding.what: finding for finding in check_language_models(USE_CASE.models, PLACE)}
    assert (found["served"].state, found["served"].found) == ("missing", "OPENAI_BASE_URL is not set")
    found = {finding.what: finding for finding in check_language_models(USE_CASE.models.with_primary("quotes"), PLACE)}
    assert {finding.state for finding in found.values()} == {"ok"}


def test_the_embedding_model_is_found_or_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [finding.state for finding in check_embedding(USE_CASE.embedding, PLACE)] == ["ok", "ok"]
    nowhere = USE_CASE.embedding.model_copy(update={"source": str(tmp_path)})
    assert next(iter(check_embedding(nowhere, PLACE))).state == "missing"
    hub = USE_CASE.embedding.model_copy(update={"source": "hub:a/b"})
    assert "on first use" in next(iter(check_embedding(hub, PLACE))).found


def test_secrets_are_wanted_where_the_use_case_says_so() -> None:
    assert wants_secrets(USE_CASE.models) == []
    sealed = USE_CASE.models.ledger.model_copy(update={"payloads": "encrypted"})
    assert wants_secrets(USE_CASE.models.model_copy(update={"ledger": sealed})) == ["payload-keys"]

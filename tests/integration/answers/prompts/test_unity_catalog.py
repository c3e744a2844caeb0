"""The prompt registry on Databricks: what MLflow's client sends to Unity Catalog, and what is loaded from it."""

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
from tests.support.template_files import valid_template

SHIPPED = load_templates(PromptSettings(), Path())


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptRegistry]:
    with catalog_client(monkeypatch) as client:
        yield PromptRegistry(client, Workspace("main", "rag").registered)


@pytest.mark.parametrize("template", SHIPPED.values(), ids=SHIPPED)
def test_shipped_templates_are_loaded_unchanged(registry: PromptRegistry, template: Template) -> None:
    registered = registry.register(template, "champion")
    assert registered.uri == f"prompts:/main.rag.{template.name}/1"
    assert registry.load(template.name, "champion") == registry.load(template.name, 1) == template


@pytest.mark.parametrize("missing", ["RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"])
def test_equal_content_is_registered_once(
    registry: PromptRegistry, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.catalog_double.MISSING", missing)
    assert registry.newest("plain") is None
    assert registry.register(valid_template(), "champion").is_new
    assert not registry.register(valid_template()).is_new
    assert registry.register(valid_template(system="Be long.")).version == 2
    assert registry.load("plain", "champion").system == "Be brief."
    for number in range(3, 7):
        assert registry.register(valid_template(system=f"Say {number}.")).version == number
    assert registry.load("plain").system == "Say 6.", "the newest version, on a later page and without an alias"
    with pytest.raises(UserError, match="no alias challenger in the registry"):
        registry.load("plain", "challenger")


def test_a_long_template_is_loaded_unchanged_or_refused(registry: PromptRegistry) -> None:
    given = {"question": "Is it? " * 150, "answer": "Ja, für Ärzte. " * 150, "sources": [source("b " * 700)]}
    template = valid_template(
        model_family=" any " * 300, examples=[given], response_schema=schema(80), technique="structured"
    )
    registry.register(template, "champion")
    assert registry.load("plain", "champion") == template
    with pytest.raises(UserError, match="prompt template plain: .* 6.... characters, .*; shorten"):
        registry.register(valid_template(examples=[given] * 10))
    store["main.rag.plain"][0]["tags"].pop(-2)
    with pytest.raises(UserError, match="prompts?:/main.rag.plain/1: its tags ragops_template are incomplete"):
        registry.load("plain", 1)


def source(text: str) -> dict[str, object]:
    return {"number": 1, "title": "T", "path": "t.md", "text": text}


def schema(fields: int) -> dict[str, object]:
    return {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(fields)}}


def test_texts_tags_and_alias_are_sent(registry: PromptRegistry) -> None:
    registry.register(valid_template(), "champion")
    [version] = store["main.rag.plain"]
    assert json.loads(version["template"])[0] == {"role": "system", "content": "Be brief."}
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["content_hash"] == valid_template().content_hash and tags["technique"] == "zero_shot"
    assert aliases == {("main.rag.plain", "champion"): "1"}


def test_a_version_of_an_optimizer_is_adopted_or_removed(registry: PromptRegistry) -> None:
    template = valid_template(system="Be long.", description="Longer.")
    registry.register(valid_template())
    for _ in range(2):  # as mlflow.genai.optimize_prompts leaves them: texts, and nothing else
        turns = [{"role": role, "content": getattr(template, role)} for role in ("system", "user")]
        mlflow.genai.register_prompt(name="main.rag.plain", template=turns)
    registry.remove("plain", 3)
    assert len(store["main.rag.plain"]) == 2
    registered = registry.adopt(template, 2, "challenger")
    assert (registered.uri, registered.aliases) == ("prompts:/main.rag.plain/2", ("challenger",))
    assert registry.load("plain", "challenger") == template and not registry.register(template).is_new


def test_a_missing_right_is_named(registry: PromptRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.catalog_double.TOKEN", "another")
    message = "needs CREATE FUNCTION, EXECUTE and MANAGE on schema of prompt main.rag.plain, .*PERMISSION_DENIED"
    with pytest.raises(NotPermitted, match=message):
        registry.register(valid_template())


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
def test_a_disabled_preview_is_reported_with_the_fix(registry: PromptRegistry, answer: Refused) -> None:
    off.append(answer)
    with pytest.raises(SwitchedOff, match="prompt registry is disabled .* ask a workspace admin"):
        registry.register(valid_template())


def test_a_prompt_named_preview_is_not_mistaken_for_a_disabled_preview(registry: PromptRegistry) -> None:
    with pytest.raises(UserError, match="prompt main.rag.preview: no alias latest in the registry"):
        registry.load("preview")

"""MLflow's real prompt registry on SQLite: one version per content, aliases, templates loaded unchanged."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from ragops.answers.prompts.registry import PromptRegistry, Registered
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from tests.support.template_files import valid_template

WORKSPACE = Workspace("spark_catalog", "dev_me_rag")
SHIPPED = load_templates(PromptSettings(), Path())


@pytest.fixture
def registry(client: MlflowClient) -> PromptRegistry:
    return PromptRegistry(client, WORKSPACE.registered)


@pytest.mark.parametrize("searches", [True, False], ids=["searches", "cannot search"])
def test_equal_content_is_registered_once(
    registry: PromptRegistry, client: MlflowClient, searches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stores in the runtimes' versions of MLflow cannot search for versions."""

    def refuse(name: str, page_token: str | None) -> None:
        raise MlflowException("search_prompt_versions() is not supported in this registry.", INVALID_PARAMETER_VALUE)

    if not searches:
        monkeypatch.setattr(client, "search_prompt_versions", refuse)
    assert registry.newest("plain") is None
    first = registry.register(valid_template())
    assert first == Registered("spark_catalog.dev_me_rag.plain", 1, valid_template().content_hash, (), is_new=True)
    assert first.uri == "prompts:/spark_catalog.dev_me_rag.plain/1"
    again = registry.register(valid_template())
    assert (again.version, again.is_new) == (1, False)
    other = registry.register(valid_template(system="Be long."))
    assert (other.version, other.is_new) == (2, True)
    assert registry.register(valid_template()).version == 3, (
        "an old text that is registered again becomes the newest version"
    )


def test_a_version_of_an_optimizer_is_adopted_or_removed(registry: PromptRegistry, client: MlflowClient) -> None:
    template = valid_template(system="Be long.", description="Longer.")
    registry.register(valid_template())
    for _ in range(2):  # as mlflow.genai.optimize_prompts leaves them: texts, and nothing else
        turns = [{"role": role, "content": getattr(template, role)} for role in ("system", "user")]
        client.register_prompt(name=WORKSPACE.registered("plain"), template=turns)
    with pytest.raises(UserError, match="was not registered by ragops"):
        registry.load("plain", 2)
    registry.remove("plain", 3)
    registered = registry.adopt(template, 2, "challenger")
    assert registry.newest("plain") == Registered(registered.name, 2, template.content_hash, ("challenger",))
    assert registry.load("plain", "challenger") == template and not registry.register(template).is_new


def test_an_alias_moves_to_the_registered_version(registry: PromptRegistry, client: MlflowClient) -> None:
    assert registry.register(valid_template(), "champion").aliases == ("champion",)
    assert registry.register(valid_template(), "challenger").aliases == ("challenger", "champion")
    assert registry.register(valid_template()).aliases == ("challenger", "champion")
    registry.register(valid_template(system="Be long."), "challenger")
    assert registry.load("plain", "champion").system == "Be brief."
    assert registry.load("plain", "challenger").system == "Be long."
    assert registry.load("plain", 1) == registry.load("plain", "1") == registry.load("plain", "champion")
    assert registry.load("plain").system == "Be long."
    client.set_prompt_alias(WORKSPACE.registered("plain"), "champion", 2)
    assert registry.load("plain", "champion").system == "Be long.", "a moved alias is not cached"


@pytest.mark.parametrize("template", SHIPPED.values(), ids=SHIPPED)
def test_shipped_templates_are_loaded_unchanged(registry: PromptRegistry, template: Template) -> None:
    registered = registry.register(template, "champion")
    back = registry.load(template.name, "champion")
    assert back == template and back.content_hash == registered.content_hash == template.content_hash


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}#"), min_size=1, max_size=40)
changes = st.fixed_dictionaries(
    {},
    optional={
        "description": words,
        "model_family": words,
        "system": words | st.just(""),
        "user": words.map(lambda text: text + "{{ passages }}{% if question %}{{ question }}{% endif %}"),
        "variables": words.map(lambda text: {"question": text, "passages": "found"}),
        "examples": st.lists(
            st.fixed_dictionaries(
                {
                    "question": words,
                    "answer": words,
                    "sources": words.map(lambda text: [{"number": 1, "title": text, "path": text, "text": text}]),
                }
            ),
            max_size=2,
        ),
    },
)


@given(changes)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_template_is_loaded_unchanged(registry: PromptRegistry, change: dict[str, Any]) -> None:
    template = valid_template(**change)
    registered = registry.register(template)
    assert registry.load(template.name, registered.version) == template


def test_tags_describe_the_template(registry: PromptRegistry, client: MlflowClient) -> None:
    registered = registry.register(SHIPPED["brief"])
    tags = client.load_prompt(registered.uri).tags
    expected = {
        "task": "answer",
        "technique": "zero_shot",
        "model_family": "small",
        "content_hash": registered.content_hash,
    }
    assert expected.items() <= tags.items()


@pytest.mark.parametrize("template", SHIPPED.values(), ids=SHIPPED)
def test_versions_in_the_older_format_are_read_and_not_registered_again(
    registry: PromptRegistry, client: MlflowClient, template: Template
) -> None:
    """The older format: all fields in one tag."""
    rest = json.dumps(template.model_dump(mode="json", exclude={"system", "user"}), ensure_ascii=False)
    client.register_prompt(
        name=WORKSPACE.registered(template.name),
        template=[{"role": "system", "content": template.system}, {"role": "user", "content": template.user}],
        commit_message=template.description,
        response_format=template.response_schema,
        tags={"content_hash": template.content_hash, "ragops.template": rest},
    )
    assert registry.load(template.name) == template
    assert not registry.register(template, "champion").is_new
    assert registry.load(template.name, "champion") == template


def test_mlflow_can_format_a_registered_prompt(registry: PromptRegistry) -> None:
    """mlflow.genai.optimize_prompts does this for each candidate."""
    registered = registry.register(SHIPPED["cite_or_abstain"])
    prompt = mlflow.genai.load_prompt(registered.uri)
    system, user = prompt.format(question="Why?", passages="[1] So.", abstention="No answer.")
    assert (system["role"], user["role"]) == ("system", "user")
    assert "[1] So.\n\nQuestion: Why?" in user["content"] and "No answer." in system["content"]


def test_the_response_schema_is_mlflows_response_format(registry: PromptRegistry, client: MlflowClient) -> None:
    registered = registry.register(SHIPPED["structured"])
    assert client.load_prompt(registered.uri).response_format == SHIPPED["structured"].response_schema


def test_a_missing_version_is_one_line(registry: PromptRegistry) -> None:
    assert registry.newest("plain") is None
    for which in ("champion", 3, "latest"):
        with pytest.raises(
            UserError, match=rf"prompt spark_catalog.dev_me_rag.plain: no \w+ {which} in the registry; run"
        ):
            registry.load("plain", which)
    registry.register(valid_template())
    for which in ("champion", 3):
        with pytest.raises(UserError, match=f"no .* {which} in the registry; run: ragops prompts register plain"):
            registry.load("plain", which)


def test_a_prompt_of_another_tool_is_refused(registry: PromptRegistry, client: MlflowClient) -> None:
    client.register_prompt(WORKSPACE.registered("theirs"), "Hello {{ name }}")
    with pytest.raises(UserError, match="theirs/1: was not registered by ragops"):
        registry.load("theirs")


@pytest.mark.parametrize(("alias", "reason"), [("latest", "reserved"), ("two words", "Invalid alias name")])
def test_an_alias_that_mlflow_refuses_is_one_line(registry: PromptRegistry, alias: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"prompt spark_catalog.dev_me_rag.plain: MLflow refuses: .*{reason}"):
        registry.register(valid_template(), alias)


def test_the_name_of_a_registered_model_is_refused(registry: PromptRegistry, client: MlflowClient) -> None:
    client.create_registered_model(WORKSPACE.registered("plain"))
    with pytest.raises(UserError, match="MLflow refuses: .*same name"):
        registry.register(valid_template())


def test_the_database_is_in_the_local_workspace(
    registry: PromptRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    registry.register(valid_template())
    with sqlite3.connect(tmp_path / "mlflow" / "mlflow.db") as database:
        assert database.execute("select name from registered_models").fetchall() == [(WORKSPACE.registered("plain"),)]
    assert not list(tmp_path.rglob("mlruns"))

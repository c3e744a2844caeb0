"""Every right of the endpoint's principal is tried as that principal, and named if it is missing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragops.answers.llms.settings import Answering, Ledger, Models, OpenAICompatible
from ragops.answers.prompts.template_files import load_templates
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import NotPermitted, UserError
from ragops.serving.endpoint.principal import Identity, check_rights, needs
from ragops.serving.model.configuration import ChainConfiguration
from ragops.usecase import load_usecase
from tests.support.principal_double import ALL, ID, SECRET, Principal, Refused, served
from tests.support.rights import read_rows

ROOT = Path(__file__).parents[4]
MODELS = Models(
    answer=Answering(primary="served"),
    known=(
        OpenAICompatible(
            name="served", provider="openai_compatible", served_name="a-model", context_tokens=8_000, private=True
        ),
    ),
    ledger=Ledger(payloads="encrypted"),
)
ENCODER = EmbeddingModel(name="toy", source="endpoint:an-encoder", dimension=8, max_tokens=256)

Check = Callable[..., list[str]]


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> ChainConfiguration:
    """A chain that needs every right that exists."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    use_case = load_usecase(ROOT / "usecase.yml").model_copy(update={"embedding": ENCODER, "models": MODELS})
    return ChainConfiguration(
        catalog="main", schema_name="rag", use_case=use_case, templates=load_templates(use_case.prompts, ROOT)
    )


@pytest.fixture
def check(configuration: ChainConfiguration, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    monkeypatch.setattr("ragops.serving.endpoint.principal._RETRY_SECONDS", 1)

    def run(principal: Principal, secret: str = SECRET) -> list[str]:
        notes: list[str] = []
        with served(principal) as address:
            identity = Identity("ragops-main", address, ID, secret)
            try:
                check_rights(identity, configuration, "ragops-prod", "17", notes.append)
            finally:
                assert principal.faults == []
        return notes

    yield run


@pytest.mark.parametrize("hidden", [False, True])
def test_nothing_is_reported_and_nothing_is_left_behind_with_all_rights(check: Check, hidden: bool) -> None:
    principal = Principal(hidden=hidden)
    assert check(principal) == []
    assert principal.files == set() and principal.tags == {"ragops_endpoint": "ragops-prod"}


MISSING = {
    "READ VOLUME": "READ VOLUME on volume main.rag.indexes, with USE CATALOG and USE SCHEMA",
    "WRITE VOLUME": "WRITE VOLUME on volume main.rag.ledger, with USE CATALOG and USE SCHEMA",
    "CAN EDIT": "CAN EDIT on experiment 17",
    "CAN QUERY": "CAN QUERY on serving endpoint an-encoder",
    "READ": "READ on secret scope ragops-main",
}


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("right", sorted(ALL))
def test_a_missing_right_is_named(check: Check, right: str, hidden: bool) -> None:
    with pytest.raises(
        NotPermitted, match=f"serving endpoint ragops-prod: its service principal {ID} needs "
    ) as raised:
        check(Principal(rights=ALL - {right}, hidden=hidden))
    line = str(raised.value)
    assert MISSING[right] in line and "grant it: docs/rights.md" in line and "\n" not in line
    assert not any(text in line for other, text in MISSING.items() if other != right)


def test_all_missing_rights_are_named_in_one_message(check: Check) -> None:
    with pytest.raises(NotPermitted) as raised:
        check(Principal(rights=frozenset()))
    assert all(text in str(raised.value) for text in [*MISSING.values(), "on serving endpoint a-model"])


def test_a_rejected_secret_is_named_without_its_value(check: Check) -> None:
    message = "secrets endpoint-client-id and endpoint-client-secret of scope ragops-main: .* no token"
    with pytest.raises(UserError, match=message) as raised:
        check(Principal(), secret="an-old-secret")
    assert "an-old-secret" not in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_model_endpoint_is_not_a_missing_right(check: Check) -> None:
    assert check(Principal(endpoints=frozenset())) == []


def test_a_right_that_cannot_be_checked_is_reported_and_does_not_fail(check: Check) -> None:
    notes = check(Principal(broken=Refused(400, "INVALID_PARAMETER_VALUE")))
    assert len(notes) == 6 and all("could not be checked" in line for line in notes)


def test_the_rights_checked_are_those_in_the_rights_table(configuration: ChainConfiguration) -> None:
    asked = {need.right.replace(" ", "_") for need in needs(configuration, "ragops-prod", "17")}
    given = {right for row in read_rows() if row.who == "endpoint" for right in row.rights}
    assert asked | {"USE_CATALOG", "USE_SCHEMA"} == given


def test_a_chain_that_contains_its_index_needs_no_read_access_to_volumes(configuration: ChainConfiguration) -> None:
    pinned = configuration.model_copy(update={"pinned": "000001-4efe57c7"})
    asked, others = [{need.right for need in needs(one, "e", "17")} for one in (configuration, pinned)]
    assert asked - others == {"READ VOLUME"}

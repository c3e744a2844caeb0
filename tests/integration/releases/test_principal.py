"""Every right of the endpoint's principal is asked for, as that principal, and named where it is missing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragops.answers.llms.settings import Answering, Ledger, Models, OpenAICompatible
from ragops.answers.prompts.template_files import load_templates
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import NotPermitted, UserError
from ragops.serving.endpoint.identity import Identity
from ragops.serving.endpoint.rights import check_rights, needs
from ragops.serving.model.configuration import ChainConfiguration
from ragops.usecase import load_usecase
from tests.support.principal_double import ALL, ID, SECRET, Principal, Refused, served
from tests.support.rights import read_rows

ROOT = Path(__file__).parents[3]
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
    """A chain that needs all there is to need."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    use_case = load_usecase(ROOT / "usecase.yml").model_copy(update={"embedding": ENCODER, "models": MODELS})
    return ChainConfiguration(
        catalog="main", schema_name="rag", use_case=use_case, templates=load_templates(use_case.prompts, ROOT)
    )


@pytest.fixture
def check(configuration: ChainConfiguration, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    monkeypatch.setattr("ragops.serving.endpoint.identity._RETRY_SECONDS", 1)

    def run(principal: Principal, secret: str = SECRET) -> list[str]:
        heard: list[str] = []
        with served(principal) as address:
            identity = Identity("ragops-main", address, ID, secret)
            try:
                check_rights(identity, configuration, "ragops-prod", "17", heard.append)
            finally:
                assert principal.faults == []
        return heard

    yield run


@pytest.mark.parametrize("hidden", [False, True])
def test_with_all_rights_nothing_is_said_and_nothing_stays(check: Check, hidden: bool) -> None:
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
    assert not any(said in line for other, said in MISSING.items() if other != right)


def test_all_that_are_missing_are_named_at_once(check: Check) -> None:
    with pytest.raises(NotPermitted) as raised:
        check(Principal(rights=frozenset()))
    assert all(said in str(raised.value) for said in [*MISSING.values(), "on serving endpoint a-model"])


def test_a_secret_that_the_workspace_does_not_know_is_named(check: Check) -> None:
    said = "secrets endpoint-client-id and endpoint-client-secret of scope ragops-main: the workspace gives no token"
    with pytest.raises(UserError, match=said) as raised:
        check(Principal(), secret="an-old-secret")
    assert "an-old-secret" not in str(raised.value) and "\n" not in str(raised.value)


def test_a_model_that_is_not_there_is_no_matter_of_rights(check: Check) -> None:
    assert check(Principal(endpoints=frozenset())) == []


def test_what_cannot_be_asked_for_is_reported_and_stops_nothing(check: Check) -> None:
    heard = check(Principal(broken=Refused(400, "INVALID_PARAMETER_VALUE")))
    assert len(heard) == 6 and all("could not be asked for" in line for line in heard)


def test_what_is_asked_for_is_what_the_table_gives(configuration: ChainConfiguration) -> None:
    asked = {need.right.replace(" ", "_") for need in needs(configuration, "ragops-prod", "17")}
    given = {right for row in read_rows() if row.who == "endpoint" for right in row.rights}
    assert asked | {"USE_CATALOG", "USE_SCHEMA"} == given


def test_a_chain_with_its_index_inside_reads_no_volume(configuration: ChainConfiguration) -> None:
    pinned = configuration.model_copy(update={"pinned": "000001-4efe57c7"})
    asked, others = [{need.right for need in needs(one, "e", "17")} for one in (configuration, pinned)]
    assert asked - others == {"READ VOLUME"}

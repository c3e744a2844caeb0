"""An embedding endpoint receives documents and the workspace's token only if permitted, with a real HTTP server.

By the address 0.0.0.0 it is reached as any other server would be.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.answers.llms.errors import PolicyError
from ragops.answers.llms.policy import Classification
from ragops.assembly import encoder_recipe, query_encoder
from ragops.corpus.embeddings.interface import CPU
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.usecase import UseCase, load_usecase
from tests.support.openai_double import OpenAIDouble, serving

ROOT = Path(__file__).parents[4]
NOT_PUBLIC: list[Classification] = ["internal", "confidential"]


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIDouble]:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    with serving() as running:
        yield running


def abroad(double: OpenAIDouble) -> str:
    return double.url.replace("127.0.0.1", "0.0.0.0")


def use_case(target: str, classification: Classification) -> UseCase:
    result = load_usecase(ROOT / "usecase.yml")
    embedding = EmbeddingModel(name="toy", source=f"endpoint:{target}", dimension=3, max_tokens=254)
    corpus = result.corpus.model_copy(update={"classification": classification})
    return result.model_copy(update={"embedding": embedding, "corpus": corpus})


def embed(result: UseCase) -> None:
    encoder_recipe(result, Path("/none"), "torch").load(CPU).encode_documents(["a document"])
    query_encoder(result, Path("/none")).encode_queries(["a question"])


def refused(result: UseCase) -> None:
    for opened in (
        lambda: encoder_recipe(result, Path("/none"), "torch"),
        lambda: query_encoder(result, Path("/none")),
    ):
        with pytest.raises(
            PolicyError, match=r"Embedding model toy: .* and '.*' is neither; nothing was sent"
        ) as raised:
            opened()
        assert "\n" not in str(raised.value)


def keys(double: OpenAIDouble) -> list[str | None]:
    return [one["Authorization"] for one in double.headers]


@pytest.mark.parametrize("classification", NOT_PUBLIC)
@pytest.mark.parametrize("named", [True, False])
def test_no_document_leaves_this_machine(
    classification: Classification, named: bool, double: OpenAIDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "" if named else abroad(double))
    refused(use_case(abroad(double) if named else "toy", classification))
    assert double.headers == []


@pytest.mark.parametrize("classification", NOT_PUBLIC)
def test_an_endpoint_on_this_machine_may_receive_any_document(
    classification: Classification, double: OpenAIDouble
) -> None:
    embed(use_case(double.url, classification))
    assert [body["input"] for body in double.bodies] == [["a document"], ["a question"]]


def test_any_endpoint_may_receive_public_documents(double: OpenAIDouble) -> None:
    embed(use_case(abroad(double), "public"))
    assert keys(double) == ["Bearer the-key"] * 2


def test_a_workspaces_token_is_sent_only_to_its_own_endpoints(
    double: OpenAIDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = abroad(double).removesuffix("/serving-endpoints")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.setenv("DATABRICKS_HOST", own)
    monkeypatch.setenv("DATABRICKS_TOKEN", "the-workspace-s")
    embed(use_case("toy", "confidential"))
    embed(use_case(f"{own}/serving-endpoints", "confidential"))
    assert keys(double) == ["Bearer the-workspace-s"] * 4
    double.headers.clear()
    embed(use_case(f"{own}/serving-endpoints.firm/v1", "public"))
    embed(use_case(double.url, "confidential"))
    assert keys(double) == [None] * 4
    refused(use_case(f"{own}/serving-endpoints.firm/v1", "confidential"))


def test_a_key_that_is_not_a_valid_header_is_reported_by_name(
    double: OpenAIDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-kéy")
    with pytest.raises(UserError, match=r"^OPENAI_API_KEY "):
        embed(use_case(double.url, "public"))
    assert double.headers == []

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ragops.answers.llms.settings import Ledger, Models
from ragops.answers.prompts.catalogue import load_templates
from ragops.answers.retrieval.settings import Rerank, RerankModel
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.serving.model.configuration import CONVERTED, ENCODER, RERANKER, ChainConfiguration
from ragops.serving.model.log_model import _resources
from ragops.usecase import UseCase, load_usecase

ROOT = Path(__file__).parents[4]
CARD = load_usecase(ROOT / "usecase.yml")
TEMPLATES = load_templates(CARD.prompts, ROOT)


def configuration(**changed: object) -> ChainConfiguration:
    given = {"catalog": "main", "schema_name": "rag", "card": CARD, "templates": TEMPLATES}
    return ChainConfiguration.model_validate(given | changed)


def test_it_survives_the_model_s_file() -> None:
    written = json.loads(json.dumps(configuration().model_dump(mode="json")))
    assert ChainConfiguration.model_validate(written).model_dump() == configuration().model_dump()
    assert ChainConfiguration.model_validate(written).digest == configuration().digest


def test_the_digest_changes_with_whatever_decides_an_answer() -> None:
    other = CARD.model_copy(update={"answers": CARD.answers.model_copy(update={"max_tokens": 99})})
    prompt = TEMPLATES["cite"].model_copy(update={"system": "Be kind."})
    variants = [
        configuration(card=other),
        configuration(pinned="000001-aaaaaaaa"),
        configuration(templates={"cite": prompt}),
    ]
    assert len({one.digest for one in [configuration(), *variants]}) == 4


def test_models_that_came_as_files_are_taken_from_there() -> None:
    artifacts = {ENCODER: Path("/m/encoder"), CONVERTED: Path("/m/converted"), "gguf_smollm2": Path("/m/small.gguf")}
    card = configuration().card_with(artifacts)
    assert card.embedding.source == "/m/encoder"
    assert [getattr(one, "source", None) for one in card.models.known if one.name == "smollm2"] == ["/m/small.gguf"]
    assert card.model_copy(update={"embedding": CARD.embedding, "models": CARD.models}) == CARD
    assert configuration().card_with({}) == CARD


def reranking(source: str) -> UseCase:
    rerank = Rerank(model=RerankModel(name="cross", source=source, max_tokens=64), top=7)
    return CARD.model_copy(update={"retrieval": CARD.retrieval.model_copy(update={"rerank": rerank})})


def test_a_cross_encoder_is_taken_from_its_files_too() -> None:
    chosen = configuration(card=reranking("hub:some/crossencoder"))
    assert chosen.card_with({RERANKER: Path("/m/reranker")}) == reranking("/m/reranker")
    assert chosen.card_with({ENCODER: Path("/m/encoder")}).retrieval == chosen.card.retrieval
    assert configuration().card_with({RERANKER: Path("/m/reranker")}) == CARD


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        configuration(secret="x")


def served(name: str, **more: str) -> dict[str, object]:
    return {"name": name, "provider": "openai_compatible", "served_name": f"the-{name}", "context_tokens": 1000} | more


def test_every_endpoint_that_it_calls_is_named_once() -> None:
    """What is not among a model's resources is closed to its container."""
    far = served("far", base_url="https://far.example/v1", key="far-key")
    models = {
        "answer": {"primary": "two", "fallback": ["one", "far"]},
        "known": [served("one"), served("two"), served("idle"), far],
    }
    card = CARD.model_copy(
        update={"models": Models.model_validate(models), "embedding": embedded_by("endpoint:the-encoder")}
    )
    assert configuration(card=card).endpoints == ["the-two", "the-one", "the-encoder"]
    assert [one.name for one in _resources(configuration(card=card))] == ["the-two", "the-one", "the-encoder"]
    assert configuration(card=card).secrets == ["far-key"]
    sealed = card.models.model_copy(update={"ledger": Ledger(payloads="encrypted")})
    assert configuration(card=card.model_copy(update={"models": sealed})).secrets == ["far-key", "payload-keys"]
    shared = card.model_copy(update={"embedding": embedded_by("endpoint:the-one")})
    assert configuration(card=shared).endpoints == ["the-two", "the-one"]
    elsewhere = card.model_copy(update={"embedding": embedded_by("endpoint:https://far.example/v1")})
    assert configuration(card=elsewhere).endpoints == ["the-two", "the-one"]


def embedded_by(source: str) -> EmbeddingModel:
    return EmbeddingModel(name="toy", source=source, dimension=8, max_tokens=256)

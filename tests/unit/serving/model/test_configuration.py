import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ragops.answers.llms.settings import Ledger, Models
from ragops.answers.prompts.template_files import load_templates
from ragops.answers.retrieval.settings import Rerank, RerankModel
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.serving.model.configuration import CONVERTED, ENCODER, RERANKER, ChainConfiguration
from ragops.serving.model.log_model import _resources
from ragops.usecase import UseCase, load_usecase

ROOT = Path(__file__).parents[4]
USE_CASE = load_usecase(ROOT / "usecase.yml")
TEMPLATES = load_templates(USE_CASE.prompts, ROOT)


def configuration(**changed: object) -> ChainConfiguration:
    given = {"catalog": "main", "schema_name": "rag", "use_case": USE_CASE, "templates": TEMPLATES}
    return ChainConfiguration.model_validate(given | changed)


def test_a_configuration_survives_serialization() -> None:
    written = json.loads(json.dumps(configuration().model_dump(mode="json")))
    assert ChainConfiguration.model_validate(written).model_dump() == configuration().model_dump()
    assert ChainConfiguration.model_validate(written).digest == configuration().digest


def test_the_digest_changes_with_everything_that_determines_an_answer() -> None:
    other = USE_CASE.model_copy(update={"answers": USE_CASE.answers.model_copy(update={"max_tokens": 99})})
    prompt = TEMPLATES["cite"].model_copy(update={"system": "Be kind."})
    variants = [
        configuration(use_case=other),
        configuration(pinned="000001-aaaaaaaa"),
        configuration(templates={"cite": prompt}),
    ]
    assert len({one.digest for one in [configuration(), *variants]}) == 4


def test_models_are_read_from_their_artifacts() -> None:
    artifacts = {ENCODER: Path("/m/encoder"), CONVERTED: Path("/m/converted"), "gguf_smollm2": Path("/m/small.gguf")}
    use_case = configuration().use_case_with(artifacts)
    assert use_case.embedding.source == "/m/encoder"
    assert [getattr(one, "source", None) for one in use_case.models.known if one.name == "smollm2"] == ["/m/small.gguf"]
    assert use_case.model_copy(update={"embedding": USE_CASE.embedding, "models": USE_CASE.models}) == USE_CASE
    assert configuration().use_case_with({}) == USE_CASE


def reranking(source: str) -> UseCase:
    rerank = Rerank(model=RerankModel(name="cross", source=source, max_tokens=64), top=7)
    return USE_CASE.model_copy(update={"retrieval": USE_CASE.retrieval.model_copy(update={"rerank": rerank})})


def test_a_cross_encoder_is_read_from_its_artifact() -> None:
    chosen = configuration(use_case=reranking("hub:some/crossencoder"))
    assert chosen.use_case_with({RERANKER: Path("/m/reranker")}) == reranking("/m/reranker")
    assert chosen.use_case_with({ENCODER: Path("/m/encoder")}).retrieval == chosen.use_case.retrieval
    assert configuration().use_case_with({RERANKER: Path("/m/reranker")}) == USE_CASE


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        configuration(secret="x")


def served(name: str, **more: str) -> dict[str, object]:
    return {"name": name, "provider": "openai_compatible", "served_name": f"the-{name}", "context_tokens": 1000} | more


def test_endpoints_are_listed_once_and_become_resources() -> None:
    """The container cannot access anything that is missing from the model's resources."""
    far = served("far", base_url="https://far.example/v1", key="far-key")
    models = {
        "answer": {"primary": "two", "fallback": ["one", "far"]},
        "known": [served("one"), served("two"), served("idle"), far],
    }
    use_case = USE_CASE.model_copy(
        update={"models": Models.model_validate(models), "embedding": embedded_by("endpoint:the-encoder")}
    )
    assert configuration(use_case=use_case).endpoints == ["the-two", "the-one", "the-encoder"]
    assert [one.name for one in _resources(configuration(use_case=use_case))] == ["the-two", "the-one", "the-encoder"]
    assert configuration(use_case=use_case).secrets == ["far-key"]
    sealed = use_case.models.model_copy(update={"ledger": Ledger(payloads="encrypted")})
    assert configuration(use_case=use_case.model_copy(update={"models": sealed})).secrets == ["far-key", "payload-keys"]
    shared = use_case.model_copy(update={"embedding": embedded_by("endpoint:the-one")})
    assert configuration(use_case=shared).endpoints == ["the-two", "the-one"]
    elsewhere = use_case.model_copy(update={"embedding": embedded_by("endpoint:https://far.example/v1")})
    assert configuration(use_case=elsewhere).endpoints == ["the-two", "the-one"]


def embedded_by(source: str) -> EmbeddingModel:
    return EmbeddingModel(name="toy", source=source, dimension=8, max_tokens=256)


def test_the_servers_limits_do_not_change_the_digest() -> None:
    one = configuration()
    serving = one.use_case.serving.model_copy(update={"queue_length": 7})
    limited = one.model_copy(update={"use_case": one.use_case.model_copy(update={"serving": serving})})
    assert limited.digest == one.digest

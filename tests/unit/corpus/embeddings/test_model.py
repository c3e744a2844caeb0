import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from pydantic import ValidationError

from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate, short, tokenizer_file
from ragops.corpus.embeddings.upload import upload
from ragops.errors import UserError
from ragops.platform.volumes.mounted import MountedFiles


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of a model as sentence-transformers saves them, with invalid weights."""
    here = tmp_path / "model"
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    write(here / "modules.json", [{"type": f"sentence_transformers.models.{kind}", "path": at} for kind, at in kinds])
    write(here / "1_Pooling" / "config.json", {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True})
    write(here / "config.json", {"hidden_size": 8, "transformers_version": "4.8.2"})
    write(here / "tokenizer.json", {"version": "1.0"})
    (here / "model.safetensors").write_bytes(b"weights")
    return here


def model(source: object, **changed: object) -> EmbeddingModel:
    return EmbeddingModel.model_validate(
        {"name": "toy", "source": str(source), "dimension": 8, "max_tokens": 16} | changed
    )


def test_name_and_location_do_not_change_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint(model(folder)) == fingerprint(model(elsewhere, name="another"))


def test_a_model_has_the_same_fingerprint_on_a_volume(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So vectors and conversions have the same name on a laptop and in a workspace."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    upload(folder, tmp_path / "volume" / "toy", MountedFiles())
    assert fingerprint(model(f"volume:{tmp_path / 'volume' / 'toy'}")) == fingerprint(model(folder))


def test_a_fingerprint_is_64_hex_digits_and_short_its_first_8(folder: Path) -> None:
    whole = fingerprint(model(folder))
    assert len(bytes.fromhex(whole)) == 32
    assert short(whole) == whole[:8]


@pytest.mark.parametrize(
    "changed", [{"query_prompt": "query: "}, {"document_prompt": "passage: "}, {"max_tokens": 17}], ids=str
)
def test_settings_change_the_fingerprint(folder: Path, changed: dict[str, object]) -> None:
    assert fingerprint(model(folder, **changed)) != fingerprint(model(folder))


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_file_contents_change_the_fingerprint(folder: Path, file: str) -> None:
    before = fingerprint(model(folder))
    (folder / file).write_text('{"changed": "content"}')
    assert fingerprint(model(folder)) != before


def test_the_version_that_saved_a_model_does_not_change_the_fingerprint(folder: Path) -> None:
    before = fingerprint(model(folder))
    write(folder / "config.json", {"hidden_size": 8, "transformers_version": "5.0"})
    assert fingerprint(model(folder)) == before


def test_an_endpoint_is_identified_by_its_served_name_not_its_address() -> None:
    one, other = (model(f"endpoint:http://{host}/v1") for host in ("a", "b"))
    assert one.served_name == "toy"
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(model("endpoint:served-1")) != fingerprint(model("endpoint:served-2"))


def test_an_endpoint_has_no_files() -> None:
    with pytest.raises(UserError, match="use the endpoint encoder"):
        locate(model("endpoint:served"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pooling": "cls"}, "pooling=cls"),
        ({"dimension": 9}, "dimension=9"),
        ({"normalise": False}, "normalise=False"),
    ],
)
def test_settings_that_contradict_the_files_are_refused(folder: Path, changed: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"the use case says {message}.*correct the use case"):
        locate(model(folder, **changed))


def test_newer_pooling_configuration_is_understood(folder: Path) -> None:
    write(folder / "1_Pooling" / "config.json", {"embedding_dimension": 8, "pooling_mode": "cls"})
    assert locate(model(folder, pooling="cls")) == folder


def test_an_unsupported_module_is_refused(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    write(folder / "modules.json", [*modules, {"type": "sentence_transformers.models.Dense", "path": "3_Dense"}])
    with pytest.raises(UserError, match="module Dense is not supported"):
        locate(model(folder))


def test_damaged_configuration_is_named(folder: Path) -> None:
    (folder / "modules.json").write_text("{")
    with pytest.raises(UserError, match=r"modules\.json"):
        locate(model(folder))


def test_a_missing_tokenizer_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json is missing"):
        fingerprint(model(folder))


@pytest.mark.parametrize(
    ("source", "message"),
    [("package:no_such_package/model", "no_such_package is not installed"), ("/no/such/folder", "/no/such/folder")],
)
def test_a_missing_model_is_named(source: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        locate(model(source))


def test_the_folder_of_a_package_is_found(minilm: EmbeddingModel) -> None:
    assert (locate(minilm) / "model.safetensors").stat().st_size > 50_000_000


def test_a_hub_model_comes_from_the_hubs_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    with pytest.raises(UserError, match="cannot download acme/toy from the hub"):
        locate(model("hub:acme/toy"))
    commit = "0" * 40
    shutil.copytree(folder, cache / "models--acme--toy" / "snapshots" / commit)
    (cache / "models--acme--toy" / "refs").mkdir()
    (cache / "models--acme--toy" / "refs" / "main").write_text(commit)
    assert locate(model("hub:acme/toy")) == locate(model(f"hub:acme/toy@{commit}"))


@pytest.mark.parametrize("source", ["", "hub:", "ftp:somewhere", "plain-name"])
def test_an_unknown_source_is_refused(source: str) -> None:
    with pytest.raises(ValidationError, match="is neither package"):
        model(source)


def test_an_endpoint_needs_a_tokenizer(tmp_path: Path) -> None:
    served = EmbeddingModel(name="m", source="endpoint:m", dimension=4, max_tokens=8)
    with pytest.raises(UserError, match="set `tokenizer`"):
        tokenizer_file(served)
    there = served.model_copy(update={"tokenizer": str(tmp_path / "tokenizer.json")})
    with pytest.raises(UserError, match="no file"):
        tokenizer_file(there)
    (tmp_path / "tokenizer.json").touch()
    assert tokenizer_file(there) == tmp_path / "tokenizer.json"
    assert fingerprint(there) == fingerprint(served)

"""A model for newer libraries is refused in one line with both versions, before anything is loaded."""

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from ragops.corpus.embeddings.loadable import check_loadable
from ragops.corpus.embeddings.model import EmbeddingModel, locate
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.errors import UserError


@pytest.fixture
def saved(minilm: EmbeddingModel, tmp_path: Path) -> EmbeddingModel:
    """A copy of the model whose files may be changed."""
    folder = tmp_path / "model"
    shutil.copytree(locate(minilm), folder, copy_function=lambda old, new: Path(new).symlink_to(old))
    for name in ("modules.json", "config.json", "config_sentence_transformers.json"):
        text = (folder / name).read_text()
        (folder / name).unlink()
        (folder / name).write_text(text)
    return minilm.model_copy(update={"source": str(folder)})


def change(model: EmbeddingModel, name: str, **values: object) -> None:
    file = Path(model.source) / name
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def change_modules(model: EmbeddingModel) -> None:
    file = Path(model.source) / "modules.json"
    file.write_text(file.read_text().replace("sentence_transformers.models.", "sentence_transformers.later.modules."))


def test_a_supported_model_is_accepted(saved: EmbeddingModel) -> None:
    check_loadable(saved, Path(saved.source))


@pytest.mark.parametrize("kind", ["openai-gpt", "xlm-roberta"])
def test_an_architecture_in_a_folder_of_another_name_is_accepted(saved: EmbeddingModel, kind: str) -> None:
    change(saved, "config.json", model_type=kind)
    check_loadable(saved, Path(saved.source))


def test_an_unknown_architecture_is_refused_with_both_versions(saved: EmbeddingModel, tmp_path: Path) -> None:
    change(saved, "config.json", model_type="tomorrow-bert", transformers_version="9.1.0")
    with pytest.raises(UserError) as error:
        encoder_source(saved, "torch", converted=tmp_path)
    assert str(error.value).startswith(
        f"Embedding model all-minilm-l6-v2: transformers {version('transformers')} here does not know its architecture "
        "tomorrow-bert; it needs transformers 9.1.0, with which it was saved; "
    )


def test_an_unknown_module_is_refused_with_both_versions(saved: EmbeddingModel) -> None:
    change_modules(saved)
    change(saved, "config_sentence_transformers.json", __version__={"sentence_transformers": "9.0.0"})
    with pytest.raises(
        UserError, match=r"sentence-transformers [\d.]+ here does not know its module .*needs .* 9\.0\.0,"
    ):
        check_loadable(saved, Path(saved.source))


def test_a_model_without_a_recorded_version_needs_a_newer_library(saved: EmbeddingModel) -> None:
    change(saved, "config.json", model_type="tomorrow-bert", transformers_version="")
    with pytest.raises(UserError, match="it needs a newer transformers"):
        check_loadable(saved, Path(saved.source))


def test_recorded_versions_that_are_not_a_mapping_are_ignored(saved: EmbeddingModel) -> None:
    change_modules(saved)
    change(saved, "config_sentence_transformers.json", __version__="9.0.0")
    with pytest.raises(UserError, match="it needs a newer sentence-transformers"):
        check_loadable(saved, Path(saved.source))


def test_a_module_without_a_class_is_refused(saved: EmbeddingModel) -> None:
    (Path(saved.source) / "modules.json").write_text('[{"path": ""}]')
    with pytest.raises(UserError, match=r"Model: cannot read .*modules\.json"):
        locate(saved)


def test_a_missing_library_is_reported_with_the_extra_to_install(
    saved: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_modules(saved)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("ragops.corpus.embeddings.loadable.version", missing)
    with pytest.raises(UserError, match=r"sentence-transformers is not installed; install ragops\[embed\]"):
        check_loadable(saved, Path(saved.source))


def missing(name: str) -> str:
    raise PackageNotFoundError(name)

"""A model's files as sentence-transformers reads them: the source's own, or made from its ONNX file on first use.

Made once on each machine, in seconds, and checked against OpenVINO there: both encoders give the same vectors, or the
model is refused.
"""

import tempfile
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, MANIFEST, TOKENIZER, Manifest, convert_on_disk
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.export import check, library_versions
from ragops.corpus.embeddings.maven import ONNX
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, is_onnx, locate, short
from ragops.corpus.embeddings.onnx_export import export_onnx
from ragops.corpus.embeddings.onnx_graph import BertWeights, bert_weights, read_graph
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError
from ragops.platform.workspace import cache_folder


def torch_folder(model: EmbeddingModel) -> Path:
    """The folder of a sentence-transformers model with these weights, on this machine.

    Raises:
        UserError: as `locate` and `bert_weights` do; or its vectors differ from OpenVINO's.
    """
    files = locate(model)
    if not is_onnx(files):
        return files
    name = f"{short(fingerprint(model))}-torch"
    return convert_on_disk(name, cache_folder() / "models", lambda built: _save(model, files, built))


def _save(model: EmbeddingModel, files: Path, folder: Path) -> None:
    bert = _bert(model, bert_weights(model, read_graph(model, files / ONNX)))
    with tempfile.TemporaryDirectory() as temporary:
        converted, plain = Path(temporary) / "openvino", Path(temporary) / "plain"
        converted.mkdir()
        export_onnx(model, converted)
        bert.save_pretrained(plain)
        _tokenizer(converted / TOKENIZER).save_pretrained(plain)
        modules = [Transformer(str(plain)), Pooling(model.dimension, model.pooling)]
        SentenceTransformer(
            modules=[*modules, Normalize()] if model.normalise else modules, device="cpu"
        ).save_pretrained(str(folder), create_model_card=False)
        expected = load_cpu_encoder(converted).encode_documents(CANONICAL_TEXTS)
    check(TorchEncoder(model, folder).encode_documents(CANONICAL_TEXTS), expected, model.name, "openvino")
    manifest = Manifest(fingerprint=fingerprint(model), model=model, versions=library_versions())
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def _bert(model: EmbeddingModel, weights: BertWeights) -> BertModel:
    """The encoder in PyTorch. What shapes do not say is as in BERT's paper; a model that differs fails the check."""
    arrays = weights.arrays
    try:
        words, hidden = arrays["embeddings.word_embeddings.weight"].shape
        config = BertConfig(
            vocab_size=words,
            hidden_size=hidden,
            num_hidden_layers=len({name.split(".")[2] for name in arrays if name.startswith("encoder.")}),
            num_attention_heads=weights.heads,
            intermediate_size=arrays["encoder.layer.0.intermediate.dense.weight"].shape[0],
            max_position_embeddings=len(arrays["embeddings.position_embeddings.weight"]),
            type_vocab_size=len(arrays["embeddings.token_type_embeddings.weight"]),
        )
        bert = BertModel(config)
        used = [name for name, _ in bert.named_parameters() if not name.startswith("pooler.")]
        bert.load_state_dict({name: torch.from_numpy(arrays[name].copy()) for name in used}, strict=False)
    except (KeyError, RuntimeError) as error:
        raise UserError(
            f"Embedding model {model.name}: its ONNX file is not that of a BERT encoder ({error}); use encoder=openvino"
        ) from error
    return bert


def _tokenizer(file: Path) -> PreTrainedTokenizerFast:
    """The tokenizer for transformers, which wants to know the token that pads."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file))
    padding = tokenizer.backend_tokenizer.padding or {}
    tokenizer.pad_token = padding.get("pad_token", "[PAD]")
    return tokenizer

"""Loads what `conversion.convert` wrote, on the runtime that it is for."""

from pathlib import Path

from ragops.corpus.embeddings.conversion import GRAPH, read_manifest
from ragops.corpus.embeddings.interface import Encoder


def load_cpu_encoder(folder: Path, threads: int = 0) -> Encoder:
    """The encoder of a converted model. `threads`: cores to use, 0 for all.

    Raises:
        UserError: as `read_manifest` does.
    """
    model = read_manifest(folder).model
    if (folder / GRAPH).is_file():
        from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder

        return OpenVinoEncoder(folder, model, threads)
    from ragops.corpus.embeddings.onnx_encoder import OnnxEncoder

    return OnnxEncoder(folder, model, threads)

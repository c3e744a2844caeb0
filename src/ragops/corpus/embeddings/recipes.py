"""Recipes for encoders: chosen on the driver, sent to the workers, loaded there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ragops.corpus.embeddings.conversion import convert, on_this_machine, read_manifest
from ragops.corpus.embeddings.gpus import cuda_device_count
from ragops.corpus.embeddings.interface import Device, Encoder, EncoderSource
from ragops.corpus.embeddings.loadable import check_loadable
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate, short
from ragops.errors import UserError
from ragops.platform.compute import on_databricks

Backend = Literal["openvino", "torch"]


@dataclass(frozen=True)
class OpenVinoSource:
    """A converted model in `folder`, on `threads` CPU cores (0: all; 1 in Spark workers, one for each core)."""

    folder: Path
    fingerprint: str
    threads: int = 1
    uses_gpu: bool = field(default=False, init=False)

    def load(self, device: Device) -> Encoder:
        """Loads the conversion, from a local copy if it is on a volume.

        Raises:
            UserError: the conversion does not exist, or is another model's.
        """
        from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder

        folder = on_this_machine(self.folder)
        _check_fingerprint(str(folder), read_manifest(folder).fingerprint, self.fingerprint)
        return load_cpu_encoder(folder, self.threads)


@dataclass(frozen=True)
class TorchSource:
    """A model for PyTorch, located by each worker: a node has its own copy of a package or of the hub's cache."""

    model: EmbeddingModel
    fingerprint: str
    uses_gpu: bool = True

    def load(self, device: Device) -> Encoder:
        """Loads the model onto `device`.

        Raises:
            UserError: this machine does not have the model, or has another one by that name.
        """
        from ragops.corpus.embeddings.torch_encoder import TorchEncoder
        from ragops.corpus.embeddings.torch_files import torch_folder

        _check_fingerprint(self.model.source, fingerprint(self.model), self.fingerprint)
        return TorchEncoder(self.model, torch_folder(self.model), device)


@dataclass(frozen=True)
class EndpointSource:
    """A served model behind the OpenAI-compatible `base_url`; `token` is a secret and not printed.

    It cannot be pickled: workers on serverless compute have neither network access nor credentials.
    """

    model: EmbeddingModel
    base_url: str
    token: str | Callable[[], str] = field(default="", repr=False)
    uses_gpu: bool = field(default=False, init=False)

    def __reduce__(self) -> str:
        """Raises UserError, since a worker cannot call the endpoint."""
        raise UserError(f"Embedding endpoint {self.model.served_name}: workers cannot call it; encode on the driver")

    def load(self, device: Device) -> Encoder:
        """Opens a client; the first request is sent with the first texts."""
        from ragops.corpus.embeddings.endpoint_encoder import EndpointEncoder

        return EndpointEncoder(self.model, self.base_url, self.token)


def encoder_source(
    model: EmbeddingModel,
    backend: Backend,
    *,
    converted: Path,
    threads: int = 1,
    base_url: str = "",
    token: str | Callable[[], str] = "",
) -> EncoderSource:
    """Returns the recipe for `model`'s encoder; for OpenVINO, converts the model into a folder below `converted` first.

    A model whose source is an endpoint uses `base_url` and `token` and no backend. PyTorch uses GPUs, and the CPU only
    on a laptop without a GPU. `token` may be a function, for tokens that expire.

    Raises:
        UserError: as `convert`, `locate` and `check_loadable` do.
    """
    if model.is_endpoint:
        return EndpointSource(model, model.base_url or base_url, token)
    if backend == "openvino":
        return OpenVinoSource(convert(model, converted), fingerprint(model), threads)
    check_loadable(model, locate(model))
    # Decided here, not by each task: a cluster's task without a GPU must fail, not use the CPU for hours.
    return TorchSource(model, fingerprint(model), uses_gpu=on_databricks() or cuda_device_count() > 0)


def _check_fingerprint(location: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise UserError(
            f"Embedding model at {location} has fingerprint {short(found)}, not {short(wanted)}; "
            "run the refresh job again"
        )

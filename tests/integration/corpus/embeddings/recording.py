"""An encoder that computes nothing and records where it ran; imported by the workers of test_gpu_scheduling."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyspark import TaskContext

from ragops.corpus.embeddings.interface import Device, Encoder, Vectors


@dataclass(frozen=True)
class RecordingSource:
    log: Path
    uses_gpu: bool = field(default=True, init=False)

    def load(self, device: Device) -> Encoder:
        _write(self.log, {"event": "load", "device": str(device)})
        return RecordingEncoder(self.log, device)


@dataclass(frozen=True)
class RecordingEncoder:
    log: Path
    device: Device
    dimension: int = 1

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        start = time.monotonic()
        time.sleep(0.2)  # long enough for other tasks to run into it, were they given the same GPU
        task = TaskContext.get()
        record = {"event": "encode", "device": str(self.device), "addresses": task.resources()["gpu"].addresses}
        times = {"partition": task.partitionId(), "start": start, "end": time.monotonic()}
        _write(self.log, record | times)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode_documents(texts)


def _write(log: Path, record: dict[str, object]) -> None:
    with (log / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")

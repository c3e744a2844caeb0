"""An engine that computes nothing and records where it ran; imported by the workers of test_gpu_spread."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark import TaskContext

from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.providers.vllm_offline import prepare_environment, task_gpus
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply, Request
from ragops.errors import UserError
from ragops.serving.batch.workers import Recorded

SETTINGS = Scripted(name="m", provider="scripted", replies=("-",))


class RecordingEngine:
    """Starts as vLLM does: on the GPU that Spark assigned."""

    def __init__(self, log: Path) -> None:
        self._log, self._start, self._rows = log, time.monotonic(), 0
        prepare_environment(task_gpus())

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        time.sleep(0.2)  # long enough for other tasks to run into it, were they given the same GPU
        self._rows += len(requests)
        return [Reply(f"re: {one.question}", "m", "scripted", 1, 1, 0.1, "stop") for one in requests]

    def close(self) -> None:
        task = TaskContext.get()
        record = {
            "gpu": os.environ["CUDA_VISIBLE_DEVICES"],
            "addresses": task.resources()["gpu"].addresses,
            "rows": self._rows,
            "start": self._start,
            "end": time.monotonic(),
            "pid": os.getpid(),
        }
        with (self._log / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def open_recording(log: Path) -> Callable[[], Recorded]:
    spool = log / "ledger"
    return lambda: Recorded(RecordingEngine(log), SETTINGS, Caller("me", "batch"), Spool(spool, 100))

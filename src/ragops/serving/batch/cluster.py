"""How many GPUs the cluster has, by what its tasks are assigned."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pandas as pd

from ragops.answers.llms.providers.vllm_offline import task_gpus, visible_devices
from ragops.corpus.embeddings.gpus import describe, look_everywhere
from ragops.platform.merge import parallelism
from ragops.platform.workspace import Workspace


def count_gpus(workspace: Workspace) -> int:
    """The number of GPUs, each of which gets one task at a time, after a test computation on each.

    Prints what they are.

    Raises:
        UserError: there is none, or one cannot be used.
    """
    # A task for each core: more than GPUs, so that every GPU gets some, and short, since none of them imports torch.
    cores = parallelism(workspace)
    assigned = workspace.spark.range(0, cores, 1, cores).mapInPandas(_assigned, "host STRING, gpus STRING")
    gpus = assigned.where("gpus <> ''").distinct().count()
    print(describe(look_everywhere(workspace.spark, gpus) if gpus else []))
    return gpus


def _assigned(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for _ in batches:
        gpus = task_gpus()
        visible = visible_devices(gpus, os.environ.get("CUDA_VISIBLE_DEVICES", "")) if gpus else ""
        yield pd.DataFrame({"host": [socket.gethostname()], "gpus": [visible]})

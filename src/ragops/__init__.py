"""Retrieval-augmented generation on the lakehouse.

    from ragops import Query, load_usecase, open_chain, open_workspace

    chain = open_chain(load_usecase(), open_workspace("dev"))
    print(chain.answer(Query("Is it the comma or the parentheses that make a tuple?")).text)

Names are imported when they are first used: `import ragops` takes milliseconds and needs no Spark.
"""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragops.answers.chain.types import Query
    from ragops.api import (
        evaluate_answers,
        evaluate_retrieval,
        load_usecase,
        open_chain,
        open_searcher,
        open_workspace,
        publish_index,
        refresh_chunks,
        refresh_documents,
        refresh_embeddings,
    )
    from ragops.errors import UserError
    from ragops.platform.workspace import Workspace
    from ragops.quality.datasets.leakage import evaluation_questions
    from ragops.usecase import UseCase

__all__ = [
    "Query",
    "UseCase",
    "UserError",
    "Workspace",
    "evaluate_answers",
    "evaluate_retrieval",
    "evaluation_questions",
    "load_usecase",
    "open_chain",
    "open_searcher",
    "open_workspace",
    "publish_index",
    "refresh_chunks",
    "refresh_documents",
    "refresh_embeddings",
]

# Two libraries report their usage to their makers. vLLM has a switch;
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
# OpenVINO's converter has none, but works without its telemetry package if that cannot be imported.
sys.modules.setdefault("openvino_telemetry", ModuleType("openvino_telemetry"))

_ELSEWHERE = {
    "Query": "ragops.answers.chain.types",
    "UseCase": "ragops.usecase",
    "UserError": "ragops.errors",
    "Workspace": "ragops.platform.workspace",
    "evaluation_questions": "ragops.quality.datasets.leakage",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_ELSEWHERE.get(name, "ragops.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""What commands import: each second of it is waited for at the prompt."""

import json
import subprocess
import sys
from functools import cache

# None of them takes less than a tenth of a second to import.
HEAVY = {
    *("chromadb", "databricks.sdk", "huggingface_hub", "matplotlib", "mlflow", "numpy", "openai", "openvino", "pandas"),
    *("pyarrow", "pyspark", "scipy", "sentence_transformers", "sklearn", "sqlalchemy", "torch", "transformers"),
}
_SEARCH = """
import ragops.assembly, ragops.answers.retrieval.console, ragops.answers.retrieval.search
import ragops.corpus.embeddings.openvino_encoder
"""
_ASK = f"""{_SEARCH}
import ragops.answers.chain.chain, ragops.answers.chain.console, ragops.answers.chain.trace_record
import ragops.answers.llms.open, ragops.cli.tracing
"""
_COMMANDS = ([], ["search"], ["ask"], ["index"])
_HELP = """
import json, sys
from ragops.cli.app import app

for words in json.loads(sys.argv[1]):
    try:
        app([*words, "--help"])
    except SystemExit:
        print(json.dumps([words, list(sys.modules)]), file=sys.stderr)
"""


@cache
def imported(code: str) -> frozenset[str]:
    """The heavy modules that a process has after this code."""
    words = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return frozenset(HEAVY & set(done.stderr.split()))


def test_help_imports_nothing_heavy() -> None:
    """One process for all: what an earlier command imports is listed with it, and again with those after it."""
    call = [sys.executable, "-c", _HELP, json.dumps(_COMMANDS)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert [words for words, _ in found] == list(_COMMANDS)
    assert [(words, HEAVY & set(modules)) for words, modules in found if HEAVY & set(modules)] == []


def test_a_search_imports_only_what_searches() -> None:
    assert imported(_SEARCH) <= {"chromadb", "numpy", "openvino", "scipy"}  # a command refuses scipy


def test_an_answer_imports_no_more_than_a_search() -> None:
    assert imported(_ASK) - imported(_SEARCH) == set()

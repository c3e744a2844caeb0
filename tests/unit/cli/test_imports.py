"""What commands import: each second of it is waited for at the prompt."""

import subprocess
import sys

import pytest

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


def imported(code: str) -> set[str]:
    """The heavy modules that a process has after this code."""
    words = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["ask", "--help"], ["index", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"from ragops.cli.app import app\ntry:\n    app({words})\nexcept SystemExit:\n    pass"
    assert imported(code) == set()


def test_a_search_imports_only_what_searches() -> None:
    assert imported(_SEARCH) <= {"chromadb", "numpy", "openvino", "scipy"}  # a command refuses scipy


def test_an_answer_imports_no_more_than_a_search() -> None:
    assert imported(_ASK) - imported(_SEARCH) == set()

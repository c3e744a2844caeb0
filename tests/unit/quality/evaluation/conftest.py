"""The small generation in memory that retrieval is tested with."""

from tests.unit.answers.retrieval.conftest import make_generation, make_passage

__all__ = ["make_generation", "make_passage"]

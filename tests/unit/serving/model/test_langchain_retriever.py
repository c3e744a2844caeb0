"""Passages as LangChain documents, from a searcher that finds one passage of two documents."""

from collections.abc import Collection

import pytest

from ragops.answers.retrieval.pipeline import Found
from tests.support.chains import passage


class Searcher:
    def search(self, question: str, k: int | None = None, groups: Collection[str] = ()) -> list[Found]:
        also_in = ("copies/p1.md",) if "hr" in groups else ()
        return [Found(passage(1, f"{question}: four fish"), 0.5, 1, None, 0.6, also_in)][:k]


@pytest.mark.parametrize(("groups", "also_in"), [((), []), (("hr",), ["copies/p1.md"])])
def test_a_document_has_its_address_and_those_of_its_copies(groups: tuple[str, ...], also_in: list[str]) -> None:
    retriever = pytest.importorskip("ragops.serving.model.langchain_retriever", exc_type=ImportError)
    (found,) = retriever.PassageRetriever(searcher=Searcher(), groups=groups, k=1).invoke("What?")
    assert (found.id, found.page_content) == ("c1", "What?: four fish")
    assert found.metadata == {"doc_uri": "p1.md", "title": "Title 1", "score": 0.5, "also_in": also_in}

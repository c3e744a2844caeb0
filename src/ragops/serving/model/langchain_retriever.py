"""Search as a LangChain retriever, for teams that build their own chain; requires `ragops[langchain]`.

Such a chain is logged from its own file with MLflow's LangChain flavor, and loads as a LangChain model or a pyfunc:

    # own_chain.py
    from ragops.serving.model.langchain_retriever import PassageRetriever
    set_model({"passages": PassageRetriever(searcher=...), "question": RunnablePassthrough()} | prompt | model)

    mlflow.langchain.log_model(lc_model="own_chain.py", name="chain", code_paths=[...])

The retriever includes search and access rules. Prompts with delimiters, checked citations and abstention belong to
`ragops.answers.chain`; another chain has to provide its own.
"""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, SkipValidation

from ragops.answers.retrieval.search import Searcher


class PassageRetriever(BaseRetriever):
    """A schema's live index as a retriever. `groups` are the user's; unrestricted documents need none."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    searcher: SkipValidation[Searcher]
    groups: tuple[str, ...] = ()
    k: int | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """The passages, best first; `doc_uri` is where MLflow's pages and judges look for the document.

        `also_in`: paths of other documents with a copy of the passage that these groups may see.
        """
        return [
            Document(
                page_content=one.passage.text,
                id=one.passage.chunk_id,
                metadata={
                    "doc_uri": one.passage.path,
                    "title": one.passage.title,
                    "score": one.score,
                    "also_in": list(one.also_in),
                },
            )
            for one in self.searcher.search(query, self.k, self.groups)
        ]

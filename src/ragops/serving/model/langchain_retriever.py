"""Search as LangChain knows it, where a team brings a chain of its own; needs `ragops[langchain]`.

Such a chain is logged from its own file, as MLflow's flavour for it wants, and loads as LangChain's or as a pyfunc:

    # own_chain.py
    from ragops.serving.model.langchain_retriever import PassageRetriever
    set_model({"passages": PassageRetriever(searcher=...), "question": RunnablePassthrough()} | prompt | model)

    mlflow.langchain.log_model(lc_model="own_chain.py", name="chain", code_paths=[...])

It has our search with its access rules; prompts with marks, checked citations and abstention are the chain's in
`ragops.answers.chain`, and a team's own must bring its own.
"""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, SkipValidation

from ragops.answers.retrieval.search import Searcher


class PassageRetriever(BaseRetriever):
    """A schema's live index as a retriever. `groups` are those of the reader: none finds what is for everybody."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    searcher: SkipValidation[Searcher]
    groups: tuple[str, ...] = ()
    k: int | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """The passages, best first; `doc_uri` names the document, as MLflow's pages and judges read it."""
        return [
            Document(
                page_content=one.passage.text,
                id=one.passage.chunk_id,
                metadata={"doc_uri": one.passage.path, "title": one.passage.title, "score": one.score},
            )
            for one in self.searcher.search(query, self.k, self.groups)
        ]

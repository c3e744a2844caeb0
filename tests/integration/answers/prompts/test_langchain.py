"""A team's own LangChain chain around our search: logged with MLflow's LangChain flavor, loaded, and asked."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from ragops.platform.mlflow_store import open_experiment
from tests.support.notes_index import ROOT, publish_notes

pytest.importorskip("langchain_core")

OWN_CHAIN = f'''
from pathlib import Path

from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from mlflow.models import set_model

from ragops.assembly import Locations, open_searcher
from ragops.serving.model.langchain_retriever import PassageRetriever
from ragops.usecase import load_usecase
from ragops.platform.workspace import Workspace

use_case = load_usecase(Path("{ROOT}/usecase.yml"))
searcher = open_searcher(use_case, Locations.of(Workspace("spark_catalog", "dev_me_rag")))


def first_words(found):
    best = found["passages"][0]
    return best.metadata["doc_uri"] + ": " + best.page_content


passages = PassageRetriever(searcher=searcher, k=2)
set_model({{"passages": passages, "question": RunnablePassthrough()}} | RunnableLambda(first_words))
'''


@pytest.fixture
def own_chain(client: MlflowClient, tmp_path: Path) -> Path:
    publish_notes(tmp_path / "work")
    file = tmp_path / "own_chain.py"
    file.write_text(OWN_CHAIN)
    return file


def test_a_logged_langchain_chain_answers_from_our_index(own_chain: Path) -> None:
    open_experiment("/own")
    info = mlflow.langchain.log_model(lc_model=str(own_chain), name="chain", pip_requirements=[])
    question = "What does the otter eat?"
    answer = mlflow.langchain.load_model(info.model_uri).invoke(question)
    assert answer.startswith("otter.md: The otter eats four fish")
    assert mlflow.pyfunc.load_model(info.model_uri).predict([question]) == [answer]

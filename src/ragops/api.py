"""The public interface: what a notebook or script calls. `import ragops` exports these functions.

Each takes the use case and the workspace. The functions behind them take single settings, so that a package can be used
and tested without the use case.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragops import usecase as use_case_file
from ragops.platform.compute import on_databricks
from ragops.platform.workspace import LANDING, MODELS, Workspace, bundle_root, models_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ragops.answers.chain.chain import Chain
    from ragops.answers.retrieval.search import Searcher
    from ragops.corpus.embeddings.recipes import Backend
    from ragops.platform.merge import StageReport
    from ragops.quality.questions import Question
    from ragops.usecase import UseCase


def open_workspace(target: str = "dev", schema: str | None = None) -> Workspace:
    """Opens a target's local workspace: its tables, volumes, index and MLflow store.

    Volumes and MLflow of this process belong to that target from now on. On Databricks write
    `Workspace("CATALOG", "SCHEMA")` instead.

    Args:
        target: A target of the bundle that has been run here.
        schema: Another schema than the target's own.

    Raises:
        UserError: the target has never been run here.

    Example:
        >>> from ragops import open_workspace
        >>> workspace = open_workspace("dev")
        >>> workspace.catalog
        'spark_catalog'
    """
    from ragops.platform.deployment import deployed_workspace
    from ragops.platform.mlflow_store import use_mlflow

    workspace = deployed_workspace(target)
    use_mlflow(target)
    return replace(workspace, schema=schema) if schema else workspace


def load_usecase(path: Path | str | None = None) -> UseCase:
    """Reads and checks a use case.

    Args:
        path: Its file; by default usecase.yml next to databricks.yml, searched for upward from the current folder.

    Raises:
        UserError: the file is missing or wrong; names the file and the field.

    Example:
        >>> from ragops import load_usecase
        >>> use_case = load_usecase()
        >>> use_case.retrieval.k
        12
    """
    return use_case_file.load_usecase(Path(path) if path else bundle_root() / "usecase.yml")


def refresh_documents(use_case: UseCase, workspace: Workspace, landing: Path | str | None = None) -> StageReport:
    """Reads new and changed files of the landing folder into the table `documents`. Needs Spark.

    Args:
        use_case: Sets the parsing limits, and the share of documents that may disappear at once.
        workspace: Where the table is.
        landing: The folder to read; by default the schema's volume `landing`.

    Raises:
        UserError: the folder is missing, or too many documents have disappeared.

    Example:
        >>> from ragops import load_usecase, open_workspace, refresh_documents
        >>> report = refresh_documents(load_usecase(), open_workspace())  # doctest: +SKIP
        >>> report.added, report.changed, report.deleted  # doctest: +SKIP
        (79, 0, 0)
    """
    from ragops.corpus.documents import stage

    folder = workspace.path(landing) if landing else workspace.volume(LANDING)
    documents = use_case.documents
    return stage.refresh_documents(
        workspace,
        folder,
        documents.limits,
        documents.max_delete_fraction,
        compare_content_days=documents.compare_content_days,
    )


def refresh_chunks(use_case: UseCase, workspace: Workspace) -> StageReport:
    """Splits new and changed documents into the table `chunks`. Needs Spark.

    Raises:
        UserError: the embedding model's tokenizer is not available.

    Example:
        >>> from ragops import load_usecase, open_workspace, refresh_chunks
        >>> report = refresh_chunks(load_usecase(), open_workspace())  # doctest: +SKIP
        >>> report.added  # doctest: +SKIP
        983
    """
    from ragops.corpus.chunks import stage
    from ragops.corpus.embeddings.model import tokenizer_file

    return stage.refresh_chunks(
        workspace, use_case.chunking, tokenizer_file(_with_models(use_case, workspace).embedding)
    )


def refresh_embeddings(use_case: UseCase, workspace: Workspace, backend: Backend = "openvino") -> StageReport:
    """Embeds every text of `chunks` that has no vector under this model yet. Needs Spark.

    Args:
        use_case: Names the embedding model.
        workspace: Where the tables are.
        backend: "openvino" for CPUs, "torch" for GPUs.

    Raises:
        UserError: the model is not available.

    Example:
        >>> from ragops import load_usecase, open_workspace, refresh_embeddings
        >>> report = refresh_embeddings(load_usecase(), open_workspace())  # doctest: +SKIP
        >>> report.added  # doctest: +SKIP
        982
    """
    from ragops.assembly import encoder_recipe
    from ragops.corpus.embeddings import stage

    use_case = _with_models(use_case, workspace)
    recipe = encoder_recipe(use_case, models_folder(workspace), backend)
    return stage.refresh_embeddings(workspace, use_case.embedding, recipe)


def publish_index(use_case: UseCase, workspace: Workspace) -> StageReport:
    """Builds, verifies and publishes the next index generation, if the tables have changed. Needs Spark.

    The job `refresh` also compares its recall with the live generation's before it publishes.

    Raises:
        UserError: a chunk has no vector, another publisher holds the lock, or the generation fails its checks; the live
            generation stays.

    Example:
        >>> from ragops import load_usecase, open_workspace, publish_index
        >>> report = publish_index(load_usecase(), open_workspace())  # doctest: +SKIP
        >>> report.note  # doctest: +SKIP
        'published 000001-4efe57c7'
    """
    from ragops.corpus.index import stage

    use_case = _with_models(use_case, workspace)
    corpus = use_case.corpus
    return stage.publish_index(workspace, use_case.embedding, corpus.access, languages=corpus.languages)


def open_searcher(use_case: UseCase, workspace: Workspace) -> Searcher:
    """Opens search over the published index. It follows the pointer when a new generation is published.

    Raises:
        UserError: there is no index, or it was built with another model or under other access rules.

    Example:
        >>> from ragops import load_usecase, open_searcher, open_workspace
        >>> searcher = open_searcher(load_usecase(), open_workspace())
        >>> found = searcher.search("Which objects are considered false?", k=3)
        >>> [one.passage.path for one in found]  # doctest: +SKIP
        ['library/stdtypes.html', 'library/truth.md', 'data-model/objects.txt']
    """
    from ragops import assembly

    return assembly.open_searcher(_with_models(use_case, workspace), assembly.Locations.of(workspace))


def open_chain(use_case: UseCase, workspace: Workspace, model: str = "") -> Chain:
    """Opens the chain: question in, answer with checked citations out.

    Args:
        use_case: Names the prompts, the models and all settings.
        workspace: Where index and models are.
        model: A model of usecase.yml that answers; by default the use case's primary model.

    Raises:
        UserError: as `open_searcher`, or there is no such model or prompt.

    Example:
        >>> from ragops import Query, load_usecase, open_chain, open_workspace
        >>> chain = open_chain(load_usecase(), open_workspace(), model="quotes")
        >>> answer = chain.answer(Query("Is it the comma or the parentheses that make a tuple?"))
        >>> answer.text
        'Note that it is actually the comma which makes a tuple, not the parentheses [1].'
        >>> [source.passage.path for source in answer.cited]
        ['library/typesseq.docx']
    """
    from ragops import assembly

    chosen = use_case.model_copy(update={"models": use_case.models.with_primary(model)}) if model else use_case
    return assembly.open_chain(_with_models(chosen, workspace), assembly.Locations.of(workspace))


def evaluate_answers(chain: Chain, questions: Sequence[Question]) -> pd.DataFrame:
    """Asks each question and checks the answer without a judge.

    Args:
        chain: From `open_chain`.
        questions: From `evaluation_questions`.

    Returns:
        A row for each question: question_id, question, answer, cited, seconds, error, and the checks (answered,
        supported, abstained, citation_validity, lexical_support, own_words) from 0 to 1, NaN where one does not apply.

    Example:
        >>> from ragops import evaluate_answers, evaluation_questions, load_usecase, open_chain, open_workspace
        >>> use_case = load_usecase()
        >>> chain = open_chain(use_case, open_workspace(), model="quotes")
        >>> frame = evaluate_answers(chain, evaluation_questions(use_case)[:5])
        >>> list(frame.columns[:3])
        ['question_id', 'cluster', 'question']
        >>> bool(frame["error"].isna().all())
        True
    """
    import pandas as pd

    from ragops.answers.chain.types import Query
    from ragops.quality.evaluation.answers import Outcome, ask_all

    def ask(question: str) -> Outcome:
        return Outcome.of(chain.answer(Query(question, who="evaluate_answers")))

    rows = ask_all(ask, questions, chain.gateway.primary_name)
    return pd.DataFrame([row.as_dict() for row in rows])


def evaluate_retrieval(use_case: UseCase, workspace: Workspace, questions: Sequence[Question]) -> dict[str, float]:
    """Measures search with the use case's settings on the questions that the corpus answers.

    Args:
        use_case: Sets how to search.
        workspace: Where the index is.
        questions: From `evaluation_questions`.

    Returns:
        The mean of each measure, 0 to 1: coverage, the share of questions of whose quotes at least 80 % is in the
        context that a model would get, and recall_at_1, recall_at_5, recall_at_10, mrr, ndcg_at_10.

    Raises:
        UserError: as `open_searcher`; the corpus answers none of the questions; ragops[evaluate] is not installed.

    Example:
        >>> from ragops import evaluate_retrieval, evaluation_questions, load_usecase, open_workspace
        >>> use_case = load_usecase()
        >>> figures = evaluate_retrieval(use_case, open_workspace(), evaluation_questions(use_case)[:20])
        >>> sorted(figures)
        ['coverage', 'mrr', 'ndcg_at_10', 'recall_at_1', 'recall_at_10', 'recall_at_5']
    """
    from ragops.assembly import Locations
    from ragops.quality.evaluation.retrieval import measure_names, open_evaluator

    with open_evaluator(_with_models(use_case, workspace), Locations.of(workspace), questions) as evaluator:
        (result,) = evaluator.evaluate([use_case.retrieval])
    return {name: result.interval(name).mean for name in measure_names()}


def _with_models(use_case: UseCase, workspace: Workspace) -> UseCase:
    """In a workspace, packaged models are files on the volume `models`."""
    return use_case.with_files_in(workspace.volume(MODELS)) if on_databricks() else use_case

"""Question sets in MLflow: evaluation datasets in its SQL store, on Databricks tables of Unity Catalog.

There a dataset needs the package databricks-agents, and its name is CATALOG.SCHEMA.TABLE; the same name works in both
places. MLflow identifies a record by its `inputs`, so a question is there once however often it is merged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragops.errors import UserError, is_missing, needing
from ragops.platform.mlflow_store import store_errors, use_mlflow
from ragops.quality.datasets.files import Loaded, Place, check_duplicates
from ragops.quality.datasets.plain_format import PlainFormat
from ragops.quality.datasets.sections import Sections
from ragops.quality.questions import Question
from ragops.text import reason

if TYPE_CHECKING:
    from mlflow.genai.datasets import EvaluationDataset

_RESPONSE, _FACTS = "expected_response", "expected_facts"
"""What MLflow's own judge of correctness reads; it fails on a record with both."""


def load_dataset(name: str) -> Loaded:
    """The questions of a dataset, sorted by id.

    Raises:
        UserError: there is no such dataset, or the store does not answer; or as `files.load`, with the record's number.
    """
    with _explained(name), needing("SELECT", f"table {name}"):
        records = _dataset(name).to_df().to_dict(orient="records")
    reader = PlainFormat(Sections())
    found = []
    for number, record in enumerate(records, start=1):
        place = Place(f"dataset {name}", number)
        try:
            found.append(
                (place, reader.question({part: _plain(record.get(part)) for part in ("inputs", "expectations")}))
            )
        except ValueError as error:
            raise UserError(f"{place}: {error}") from error
    found.sort(key=lambda one: one[1].question_id)
    notes = check_duplicates(found)
    if reader.ignored:
        notes.append(f"fields that are not read: {', '.join(sorted(reader.ignored))}")
    return Loaded(tuple(question for _, question in found), tuple(notes))


def merge_questions(name: str, questions: Sequence[Question]) -> None:
    """Adds questions to a dataset, which is created if it does not exist; those with known words are replaced.

    Raises:
        UserError: the store does not answer, or refuses the name; the user may not write there.
    """
    from mlflow.genai.datasets import create_dataset

    with _explained(name), needing("MODIFY and SELECT", f"table {name}"):
        try:
            dataset = _dataset(name)
        except Exception as error:
            if not _is_absent(error):
                raise
            dataset = create_dataset(name=name)
        dataset.merge_records([as_record(one) for one in questions])


def as_record(one: Question) -> dict[str, Any]:
    """The question as MLflow's record: what is asked, and what is expected."""
    content = one.model_dump(mode="json", exclude_defaults=True)
    names = {"answer": _RESPONSE, "facts": _FACTS}
    expected = {names.get(name, name): value for name, value in content.items() if name != "question"}
    if not one.answerable:
        expected["answerable"] = False
    return {"inputs": {"question": one.question}, "expectations": expected}


def _dataset(name: str) -> EvaluationDataset:
    if not os.environ.get("MLFLOW_TRACKING_URI"):  # in a task that has not logged anything yet
        use_mlflow()
    from mlflow.genai.datasets import get_dataset

    found: EvaluationDataset = get_dataset(name=name)
    return found


def _plain(value: object) -> object:
    """The value without numpy's arrays, which Unity Catalog's tables give for lists."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _is_absent(error: Exception) -> bool:
    """Whether there is no such dataset; an invalid parameter is a name that several have."""
    return is_missing(error) and getattr(error, "error_code", "") != "INVALID_PARAMETER_VALUE"


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        raise UserError(f"dataset {name}: needs the package databricks-agents here; install it") from error
    except store_errors() as error:
        if _is_absent(error):
            raise UserError(
                f"dataset {name}: does not exist; make it with: ragops questions export dataset:{name}, or correct it"
            ) from error
        raise UserError(f"dataset {name}: MLflow refuses ({reason(error)}); correct the name, or try again") from error

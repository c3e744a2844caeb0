"""The plain format of question sets: one record per question, under the names that teams and public sets use.

Ours, MLflow's (`inputs`, `expectations`), and those of ragas, Haystack and the common benchmarks differ in names only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ragops.errors import explain
from ragops.quality.datasets.sections import Sections
from ragops.quality.questions import Question
from ragops.text import closest, digest, words

FIELDS: Mapping[str, tuple[str, ...]] = {
    "question_id": ("id", "qid", "_id", "query_id"),
    "question": ("query", "user_input", "input", "prompt", "request"),
    "kind": ("type", "category", "question_type"),
    "topic": (),
    "anchor": (),
    "answer": (
        "expected_response",
        "expected_answer",
        "expected_output",
        "reference",
        "reference_answer",
        "correct_answer",
        "ground_truth",
        "answers",
    ),
    "facts": ("expected_facts",),
    "quotes": ("quote", "evidence", "gold_quotes"),
    "passages": (
        "passage",
        "gold_passages",
        "gold_text",
        "context",
        "reference_contexts",
        "expected_retrieved_context",
    ),
    "documents": ("document", "document_ids", "document_id", "doc_ids", "doc_id", "path", "paths"),
    "section_ids": ("section_id", "passage_ids", "passage_id", "chunk_ids", "chunk_id", "correct_chunks"),
    "answerable": ("is_answerable",),
    "is_impossible": ("unanswerable",),
    "to_review": (),
    "feedback": (),
    "source_chunks": (),
}
"""Our names of fields, with other sets' names for the same."""

_NAMES = {other: name for name, others in FIELDS.items() for other in (name, *others)}
_NESTED = ("inputs", "expectations", "metadata", "tags")
_LISTS = ("facts", "quotes", "passages", "documents", "section_ids", "source_chunks")
_TEXTS = ("question_id", "question", "kind", "topic", "anchor", "answer")
_INSIDE = ("content", "page_content", "text", "value", "answer")
_NEAR = 0.8  # quots, anwser; not source_url
# What another system found or answered: known names, and nothing that says what is right.
_NOT_GOLD = ("contexts", "retrieved_contexts", "response", "outputs", "trace")


@dataclass
class PlainFormat:
    """Reads records of one set.

    Attributes:
        sections: texts that records name by id.
        ignored: names of fields that were not read.
    """

    sections: Sections
    ignored: set[str] = field(default_factory=set)

    def question(self, record: Mapping[str, Any]) -> Question:
        """A record's question; without an id of its own its words give it one.

        Raises:
            ValueError: in one line, what is wrong with the record and what to do.
        """
        given = self._named(record)
        marked = _mark(given)
        values: dict[str, Any] = {name: _text(name, given[name]) for name in _TEXTS if name in given}
        values |= {name: _list(name, given.get(name)) for name in _LISTS}
        values |= {name: given[name] for name in ("to_review", "feedback") if given.get(name) is not None}
        self._locate(values, given)
        values.setdefault("kind", "question")
        if values.get("question") and not values.get("question_id"):
            values["question_id"] = digest(words(str(values["question"])))[:12]
        try:
            found = Question.model_validate({name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise ValueError(explain(error.errors(), root="").removeprefix("Value error, ")) from error
        _check_mark(found, marked, says_null="answer" in given or "facts" in given)
        return found

    def _named(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record's values by our names."""
        found: dict[str, Any] = {}
        spelled: dict[str, str] = {}
        flat = list(_flat(record))
        for other, value in flat:
            name = _NAMES.get(other.strip().casefold())
            if name is None:
                near = "" if other in _NOT_GOLD else closest(other, _NAMES, _NEAR)
                if near and not any(_NAMES.get(one) == _NAMES[near] for one, _ in flat):
                    raise ValueError(f"field {other} is not known; did you mean {near}?")
                self.ignored.add(other)
            elif value is not None and found.get(name) is not None and found[name] != value:
                raise ValueError(f"{spelled[name]} and {other} say different things; remove one")
            elif found.get(name) is None:
                found[name], spelled[name] = value, other
        return found

    def _locate(self, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Replaces ids of sections by their texts and documents; takes names of documents from retrieved contexts."""
        for one in self.sections.named(values.pop("section_ids")):
            values["passages"] = (*values["passages"], *([one.text] if one.text else ()))
            values["documents"] = (*values["documents"], one.document)
        contexts = given.get("passages")
        if isinstance(contexts, list):
            named = [one["doc_uri"] for one in contexts if isinstance(one, dict) and one.get("doc_uri")]
            values["documents"] = (*values["documents"], *map(str, named))
        values["documents"] = tuple(dict.fromkeys(one for one in values["documents"] if one))


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values; those of MLflow's nested parts as if they were the record's own."""
    for name, value in record.items():
        if name in _NESTED and isinstance(value, Mapping):
            yield from _flat({inner: one for inner, one in value.items() if inner not in record or name == "inputs"})
        elif name == "messages" and isinstance(value, list):
            yield "question", _last_turn(value)
        else:
            yield str(name), value


def _last_turn(messages: Sequence[Any]) -> str | None:
    said = [one.get("content") for one in messages if isinstance(one, Mapping) and one.get("role") == "user"]
    return str(said[-1]) if said else None


def _mark(given: Mapping[str, Any]) -> bool | None:
    """Whether the record says that there is an answer; None if it does not say."""
    for name, means in (("answerable", True), ("is_impossible", False)):
        value = given.get(name)
        if value is not None and value != "":
            if str(value).casefold() not in ("true", "false", "1", "0", "yes", "no"):
                raise ValueError(f"{name} is {value!r}; give true or false")
            return (str(value).casefold() in ("true", "1", "yes")) is means
    return None


def _check_mark(found: Question, marked: bool | None, says_null: bool) -> None:
    if marked is False and found.answerable:
        raise ValueError("it is marked as having no answer, and has one; remove the mark, or what answers it")
    if found.answerable or found.to_review or marked is False:
        return
    if marked is None and says_null:  # "answer": null
        return
    raise ValueError(
        "it says neither what answers it nor that nothing does; give answer, quotes, passages or documents, or "
        '"answerable": false'
    )


def _text(name: str, value: object) -> str | None:
    """A single text, also from the only value of a list, or from a record with one."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in _INSIDE if key in value), json.dumps(value, ensure_ascii=False))
    if isinstance(value, Collection) and not isinstance(value, str):
        value = next(iter(value), None)
    plain = "" if value is None else str(value).replace("\r\n", "\n").strip()
    if not plain and name in ("question_id", "question") and value is not None:
        raise ValueError(f"{name} is empty; give one")
    return plain or None


def _list(name: str, value: object) -> tuple[str, ...]:
    """Texts, from one text, a list of texts, or a list of records with one; in a table's cell as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError):
            value = json.loads(value)
    if value is None or value == "":
        return ()
    parts = [value] if isinstance(value, str | Mapping) or not isinstance(value, Iterable) else list(value)
    texts = (_text(name, one) for one in parts)
    return tuple(one for one in texts if one)

"""The questions to explore: where they come from, their kinds, languages and clusters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ragops.corpus.documents.metadata import detect_language
from ragops.corpus.embeddings.interface import Vectors
from ragops.corpus.index.stores.terms import words
from ragops.errors import UserError, explain
from ragops.quality.datasets.question_set import open_set
from ragops.usecase import UseCase

Kind = Literal["keyword", "question", "multi-part", "follow-up", "statement"]
KINDS: tuple[Kind, ...] = ("question", "multi-part", "follow-up", "keyword", "statement")

MOST_QUESTIONS = 2_000
"""Further questions are ignored: each is compared with every passage."""

_ASKING = re.compile(
    r"^(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|am|do|does|did|can|could|should|would|will|may"
    r"|might|must|has|have|had)\b",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"^(?:and|but|so|also|then|ok(?:ay)?|what about|how about|what if not|why not|same for|the other|it|that|those"
    r"|these|they|this one)\b",
    re.IGNORECASE,
)
_SECOND_PART = re.compile(
    r"\?\s+\S.*\?|[,;]?\s(?:and|or)\s(?:also\s)?(?:who|what|when|where|which|why|how|can|does|do|is|are|should)\b",
    re.IGNORECASE | re.DOTALL,
)
_KEYWORDS_AT_MOST = 6
_QUESTIONS_A_CLUSTER = 25
_CLUSTERS_AT_MOST = 8
_FEWEST_TO_CLUSTER = 8
_TERMS_IN_A_NAME = 3
_SHORTEST_IN_A_NAME = 3  # letters
_NAMELESS = "(no words)"


class ExploredQuestion(BaseModel):
    """A question, with the words that an answering passage contains if those are known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str
    anchor: str | None = None


def load_explored(use_case: UseCase, file: Path | None = None) -> list[ExploredQuestion]:
    """The questions of a JSONL file (one object per line: `question`, optionally `anchor`), else the use case's.

    Args:
        use_case: the use case.
        file: the JSONL file; None for the use case's own questions.

    Returns:
        The first 2,000, at most; an empty list if neither has any.

    Raises:
        UserError: a file is missing or a line is not a question.
    """
    if file is None:
        known = open_set(use_case).questions
        return [ExploredQuestion(question=one.question, anchor=one.anchor) for one in known][:MOST_QUESTIONS]
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"parameter questions: cannot read {file} ({error}); give the path of a JSONL file") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    return [_parsed(file, number, line) for number, line in numbered[:MOST_QUESTIONS]]


def _parsed(file: Path, number: int, line: str) -> ExploredQuestion:
    try:
        return ExploredQuestion.model_validate_json(line)
    except ValidationError as error:
        raise UserError(
            f'parameter questions: {file}, line {number}: {explain(error.errors())}; each line is {{"question": "..."}}'
        ) from error


def length(question: str) -> int:
    """The number of words."""
    return len(words(question))


def kind(question: str) -> Kind:
    """The kind of a question: it refers to an earlier one, has several parts, is a sentence, or is a few keywords."""
    text = question.strip()
    if _FOLLOW_UP.search(text):
        return "follow-up"
    if _SECOND_PART.search(text):
        return "multi-part"
    if text.endswith("?") or _ASKING.search(text):
        return "question"
    return "keyword" if length(text) <= _KEYWORDS_AT_MOST else "statement"


def languages(questions: Sequence[str]) -> dict[str, int]:
    """How many questions are in each language, the most frequent first; "unknown" for those under 20 letters.

    A short question is often taken for another language, so a language with few questions may be a mistake.
    """
    return dict(Counter(detect_language(question) or "unknown" for question in questions).most_common())


def _names(question: str) -> list[str]:
    """The words that can name a cluster; shorter ones and numbers say little."""
    return [word for word in words(question) if len(word) >= _SHORTEST_IN_A_NAME and not word[0].isdigit()]


def name_clusters(questions: Sequence[str], vectors: Vectors) -> dict[str, int]:
    """Groups questions by their vectors (shape (questions, dimension)); sizes by name, the largest first.

    A name is the three most characteristic terms of the group, by TF-IDF. Empty with fewer than eight questions.
    """
    sizes: Counter[str] = Counter()
    for name, members in clusters(questions, vectors):
        sizes[name] += len(members)
    return dict(sizes.most_common())


def clusters(
    questions: Sequence[str], vectors: Vectors, most: int = _CLUSTERS_AT_MOST
) -> list[tuple[str, NDArray[np.int64]]]:
    """Groups questions by their vectors, at most `most` groups: name and the questions' positions, largest first.

    Names as those of `name_clusters`; two groups may have the same one.
    """
    from sklearn.cluster import KMeans

    if len(questions) < _FEWEST_TO_CLUSTER:
        return []
    count = min(most, max(2, len(questions) // _QUESTIONS_A_CLUSTER))
    labels = KMeans(n_clusters=count, n_init=4, random_state=0).fit_predict(vectors)
    members = [np.flatnonzero(labels == label) for label in range(count)]
    names = distinguishing_words(questions, members)
    return sorted(zip(names, members, strict=True), key=lambda one: -len(one[1]))


def distinguishing_words(questions: Sequence[str], groups: Sequence[NDArray[np.int64]]) -> list[str]:
    """A name for each group: the three words that distinguish it most from all the questions, by TF-IDF.

    Args:
        questions: all of them.
        groups: the positions of each group's questions, at least one each.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english", tokenizer=_names, token_pattern=None)
    try:
        weights = vectorizer.fit_transform(questions)
    except ValueError:  # no question has a word that could name a group
        return [_NAMELESS] * len(groups)
    terms, everywhere = vectorizer.get_feature_names_out(), np.asarray(weights.mean(axis=0)).ravel()
    found = []
    for group in groups:
        mine = np.asarray(weights[group].mean(axis=0)).ravel()
        best = [at for at in np.argsort(everywhere - mine)[:_TERMS_IN_A_NAME] if mine[at] > 0]
        found.append(", ".join(terms[at] for at in best) or _NAMELESS)
    return found

"""Evaluation questions from the corpus: written by a model, and kept only if they pass every check.

A question with an answer must find its own passage again, or nobody could answer it. One without an answer must find
none: where evidence is low, no passage fits; where it is not, the model has to find no answer in what was found. That
keeps the hard ones, near the documents, which evidence alone does not tell from answerable questions.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from ragops.answers.chain.abstention import evidence
from ragops.answers.llms.errors import PolicyError
from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS
from ragops.corpus.index.passages import Passage
from ragops.errors import UserError
from ragops.quality.datasets.generated.author import Author, Unparsed
from ragops.quality.datasets.wordings import Wordings
from ragops.quality.gold import ENOUGH, covered_share
from ragops.quality.questions import Question
from ragops.text import digest, words

State = Literal["kept", "not found again", "answered", "duplicate", "unparsed", "error"]
"""What became of a question: kept; its passage is not among the first k; a passage answers it though none should; a
known question asks nearly the same; the reply has no question; the model did not answer."""
STATES: tuple[State, ...] = get_args(State)
KIND, UNANSWERABLE = "generated", "generated_unanswerable"
_SHORTEST_PASSAGE = 50  # characters: shorter ones say too little to ask for
_FEWEST_WORDS = 3
_SHORTEST_QUESTION = 8  # characters, in scripts without spaces
_REPEATING = 2  # times as many words as different ones
_ATTEMPTS = 4
"""Requests for each question that is wanted, at most."""
_ERRORS_IN_A_ROW = 5

Search = Callable[[str], Sequence[Found]]
"""The first k passages for a question, best first."""


class Draft(NamedTuple):
    """A question that a model wrote, or why there is none."""

    state: State
    question: Question | None = None
    reason: str = ""


@dataclass
class Generated:
    """The questions that were kept, and how many ended in each state.

    `reasons`: the last one of each state that is not kept. `stopped`: why it ended early; "" if it did not.
    """

    questions: list[Question] = field(default_factory=list)
    states: Counter[State] = field(default_factory=Counter)
    reasons: dict[State, str] = field(default_factory=dict)
    stopped: str = ""

    def add(self, draft: Draft) -> None:
        """Counts a draft, and keeps it if it passed."""
        self.states[draft.state] += 1
        if draft.state == "kept" and draft.question is not None:
            self.questions.append(draft.question)
        elif draft.reason:
            self.reasons[draft.state] = draft.reason


@dataclass(frozen=True)
class Generator:
    """What it takes to write questions and check them.

    Attributes:
        author: the model.
        search: finds passages as users do.
        known: questions that are in the set already; those that are kept are added.
        min_evidence: below it nothing is an answer: `answers.min_evidence`.
    """

    author: Author
    search: Search
    known: Wordings
    min_evidence: float

    def generate(
        self,
        passages: Iterable[Passage],
        count: int,
        unanswerable: int = 0,
        on_progress: Callable[[Generated], None] = lambda found: None,
    ) -> Generated:
        """Writes questions until enough are kept, the passages are used up, or each took four requests.

        A model that fails several times in a row ends it, too; what was kept stays.

        Args:
            passages: one for each attempt.
            count: how many to keep.
            unanswerable: how many of them without an answer.
            on_progress: called after each attempt.

        Raises:
            PolicyError: the model may not see the passages.
        """
        result = Generated()
        source = iter(passages)
        for wanted, write in ((unanswerable, self.unanswerable), (count - unanswerable, self.answerable)):
            self._write(source, wanted, write, result, on_progress)
        return result

    def _write(
        self,
        passages: Iterator[Passage],
        wanted: int,
        write: Callable[[Passage], Draft],
        result: Generated,
        on_progress: Callable[[Generated], None],
    ) -> None:
        before, failures = len(result.questions), list[UserError]()
        for _ in range(_ATTEMPTS * wanted):
            if result.stopped or len(result.questions) - before >= wanted:
                return
            if (passage := next(passages, None)) is None:
                return
            try:
                draft = write(passage)
                failures = []
            except Unparsed as error:
                draft = Draft("unparsed", reason=str(error))
            except PolicyError:
                raise
            except UserError as error:
                draft, failures = Draft("error", reason=str(error)), [*failures, error]
                if len(failures) == _ERRORS_IN_A_ROW:  # the first says why, the others perhaps only that it is paused
                    result.stopped = f"the model failed {len(failures)} times in a row, at first: {failures[0]}"
            result.add(draft)
            if draft.state == "kept" and draft.question:
                self.known.add(draft.question.question_id, draft.question.question)
            on_progress(result)

    def answerable(self, passage: Passage) -> Draft:
        """A question that the passage answers. Raises Unparsed and UserError as the author does."""
        written = self.author.question(passage)
        asked = _checked(written["question"])
        if near := self.known.near(asked):
            return Draft("duplicate", reason=f"{asked!r} is nearly {near[1]!r} ({near[0]})")
        quote = written["quote"]
        is_quoted = covered_share([quote], passage.text) >= ENOUGH
        gold: dict[str, object] = {"quotes": (quote,)} if is_quoted else {"passages": (passage.text,)}
        if not any(_is_same(passage, one.passage) for one in self.search(asked)):
            return Draft("not found again", reason=f"{asked!r} does not find {passage.path}")
        return Draft(
            "kept", _question(asked, passage, KIND, answer=written["answer"], documents=(passage.path,), **gold)
        )

    def unanswerable(self, passage: Passage) -> Draft:
        """A question near the passage that no passage answers. Raises as `answerable`."""
        asked = _checked(self.author.unanswerable(passage))
        if near := self.known.near(asked):
            return Draft("duplicate", reason=f"{asked!r} is nearly {near[1]!r} ({near[0]})")
        found = self.search(asked)
        if evidence(found) >= self.min_evidence and self.author.is_answered(asked, [one.passage for one in found]):
            return Draft("answered", reason=f"{asked!r} is answered")
        return Draft("kept", _question(asked, passage, UNANSWERABLE))


def chosen_passages(passages: Iterable[Passage], seed: int = 0) -> list[Passage]:
    """The passages to ask about, in an order that is always the same: of each document one, then a second of each ...

    Short passages are left out, and those that not everybody may see: a question set is read by others.
    """
    fitting = [one for one in passages if not one.groups and len(one.text) >= _SHORTEST_PASSAGE]
    shuffled = sorted(fitting, key=lambda one: hashlib.sha256(f"{seed} {one.chunk_id}".encode()).digest())
    turns: Counter[str] = Counter()
    placed = []
    for at, one in enumerate(shuffled):
        placed.append((turns[one.doc_id], at))
        turns[one.doc_id] += 1
    return [shuffled[at] for _, at in sorted(placed)]


def _checked(asked: str) -> str:
    """The question. Small models reply with a single word ("Question"), or say the same again and again."""
    found = words(asked)
    is_long_enough = len(found) >= _FEWEST_WORDS or (len(asked) >= _SHORTEST_QUESTION and not asked.isascii())
    repeats = len(found) > _REPEATING * len(set(found))
    if not is_long_enough or repeats or len(asked) > MAX_QUESTION_CHARACTERS:
        raise Unparsed(f"no question: {asked[:60]!r}")
    return asked


def _is_same(passage: Passage, found: Passage) -> bool:
    """Whether it is the passage itself, or a copy of its text."""
    return found.chunk_id == passage.chunk_id or found.text_hash == passage.text_hash


def _question(asked: str, passage: Passage, kind: str, **gold: object) -> Question:
    key = f"gen-{digest(words(asked))[:12]}"
    known = {"question_id": key, "question": asked, "kind": kind, "source_chunks": (passage.chunk_id,)}
    return Question.model_validate(known | gold)

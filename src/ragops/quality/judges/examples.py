"""Cases that people corrected, as examples for a judge: the nearest ones before each case, kept in a file.

The file is `judges/NAME.jsonl` beside usecase.yml: it is versioned with the use case, and part of the judge's version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ragops.errors import UserError, explain
from ragops.quality.datasets.wordings import Wording
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.judge import NO_EXAMPLES, Example, Examples, Judge
from ragops.quality.judges.replies import SCALE
from ragops.quality.judges.rows import Judgment
from ragops.text import digest
from ragops.usecase.evaluation import JudgeName

SHOWN = 3
"""Examples before a case. Each is as long as a case, so that a judgment with three costs four times as much to read."""
_FOLDER = "judges"
_REASON_CHARACTERS = 160  # as the prompts' schemas allow
_CITATION = re.compile(r"\[(\d{1,3})\]")
_REASONS: Mapping[JudgeName, tuple[str, str]] = {
    "context_relevance": ("A passage states a part of the answer.", "No passage helps to answer the question."),
    "groundedness": ("The passages say what the answer says.", "The passages do not say what the answer says."),
    "answer_relevance": ("It answers what was asked.", "It does not answer what was asked."),
    "correctness": ("It says what the reference says.", "It does not say what the reference says."),
}


class _Line(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    answer: str
    passages: tuple[str, ...]
    reference: str | None
    cluster: str
    verdicts: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class CorrectedCases:
    """Corrected cases, of which a judge sees the nearest ones to a case.

    Never one of the same cluster, or with nearly the same question: else a judge would be shown the verdict that it is
    asked for. So a judge with examples is cross-validated on the very cases that it was given, clusters kept together.

    Attributes:
        examples: all of them.
    """

    examples: tuple[Example, ...]

    @cached_property
    def version(self) -> str:
        """Changes with the cases, and with how many are shown."""
        return digest([[_line(one).model_dump(mode="json") for one in self.examples], SHOWN])

    def near(self, item: AnswerToJudge) -> Sequence[Example]:
        """The nearest ones by the words of question and answer, the nearest last: beside the case itself."""
        asked, own = Wording.of(item.question), _wording(item)
        others = [
            (_similarity(own, wording), one)
            for one, question, wording in self._worded
            if one.item.cluster != item.cluster and not question.is_near(asked)
        ]
        return [one for _, one in sorted(others, key=lambda pair: pair[0])[-SHOWN:]]

    @cached_property
    def _worded(self) -> list[tuple[Example, Wording, Wording]]:
        return [(one, Wording.of(one.item.question), _wording(one.item)) for one in self.examples]


def corrected(judge: Judge, item: AnswerToJudge, judgment: Judgment, good: bool, comment: str | None) -> Example:
    """A case as an example, with the verdicts that agree with people.

    People judge an answer as a whole. Where it is good because of its passages, those it cites count as helpful, and
    the others as the judge said.

    Args:
        judge: the judge.
        item: the answer.
        judgment: what the judge said.
        good: what people say.
        comment: their reason.
    """
    parts = judge.parts(item)
    verdicts = ["yes" if good else "no"] * (parts or 1)
    if good and judge.name == "context_relevance":
        cited = {int(number) for number in _CITATION.findall(item.answer)}
        said = json.loads(judgment.details or "[]")
        if cited & set(range(1, len(verdicts) + 1)) and len(said) == len(verdicts):
            verdicts = ["yes" if number in cited else one for number, one in enumerate(said, start=1)]
    reason = (comment or "").strip() or _REASONS[judge.name][0 if good else 1]
    return Example(item, tuple(verdicts), " ".join(reason.split())[:_REASON_CHARACTERS])


def examples_file(folder: Path, name: JudgeName) -> Path:
    """Where a judge's examples are kept; `folder` is the use case's."""
    return folder / _FOLDER / f"{name}.jsonl"


def kept_examples(folder: Path, name: JudgeName) -> Examples:
    """The examples that are kept for a judge; none without the file.

    Raises:
        UserError: the file cannot be read, or a line is wrong.
    """
    file = examples_file(folder, name)
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return NO_EXAMPLES
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read ({error}); run again: ragops judges align {name}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_example(_Line.model_validate_json(line), f"{name}-{number}"))
        except ValidationError as error:
            fix = f"correct it, or run again: ragops judges align {name}"
            raise UserError(f"{file}: line {number}: {explain(error.errors())}; {fix}") from error
    return CorrectedCases(tuple(found)) if found else NO_EXAMPLES


def check_examples(judge: Judge, folder: Path) -> None:
    """Raises UserError if an example of the file has other verdicts than the judge gives."""
    if not isinstance(judge.examples, CorrectedCases):
        return
    for number, one in enumerate(judge.examples.examples, start=1):
        parts = judge.parts(one.item) or 1
        if len(one.verdicts) != parts or not set(one.verdicts) <= set(SCALE):
            file, known = examples_file(folder, judge.name), ", ".join(SCALE)
            raise UserError(f"{file}: line {number}: verdicts must be {parts} of {known}; correct the line")


def keep_examples(folder: Path, name: JudgeName, cases: CorrectedCases) -> Path:
    """Writes the examples of a judge, instead of those that were kept before; returns the file.

    Raises:
        UserError: it cannot be written.
    """
    file = examples_file(folder, name)
    try:
        file.parent.mkdir(exist_ok=True)
        lines = [json.dumps(_line(one).model_dump(mode="json"), ensure_ascii=False) for one in cases.examples]
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror}); make the use case's folder writable") from error
    return file


def _line(one: Example) -> _Line:
    item = one.item
    return _Line(
        question=item.question,
        answer=item.answer,
        passages=item.passages,
        reference=item.reference,
        cluster=item.cluster,
        verdicts=one.verdicts,
        reason=one.reason,
    )


def _example(line: _Line, example_id: str) -> Example:
    known = line.model_dump(exclude={"verdicts", "reason"})
    return Example(AnswerToJudge(answer_id=example_id, question_id=None, **known), line.verdicts, line.reason)


def _wording(item: AnswerToJudge) -> Wording:
    return Wording.of(f"{item.question}\n{item.answer}")


def _similarity(one: Wording, other: Wording) -> float:
    return len(one.runs & other.runs) / max(1, len(one.runs | other.runs))

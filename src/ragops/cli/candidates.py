"""The command line: ragops questions candidates list | accept | edit | reject."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragops.cli import options
from ragops.cli.ask import user_name
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.workspace import LEDGER, Workspace

if TYPE_CHECKING:
    from ragops.quality.datasets.candidates import Candidate, Decisions
    from ragops.quality.questions import Question
    from ragops.usecase import UseCase

candidates_app = typer.Typer(
    help="Questions that got a thumbs down with a comment, to be accepted or rejected.", no_args_is_help=True
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The candidate, or the first digits of its id.")]
_Texts = list[str] | None


@candidates_app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that were accepted or rejected.")] = False,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
) -> None:
    """List candidates: question, comments, and the passages of the answer."""
    from ragops.quality.datasets.console import show_candidates

    options.need_spark(target)
    found, decisions = _opened(options.workspace(target, schema))
    decided = decisions.all()
    shown = [(one, decided.get(one.candidate_id)) for one in found if every or one.candidate_id not in decided]
    if as_json:
        rows = (one.as_json() | {"decision": done and done.model_dump(mode="json")} for one, done in shown)
        typer.echo(json.dumps(list(rows)))
    else:
        show_candidates(console.terminal(), shown)


@candidates_app.command()
def accept(
    candidate: _Id,
    question: Annotated[str | None, typer.Option("--question", help="Better words than it was asked in.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", help="The right answer.")] = None,
    facts: Annotated[_Texts, typer.Option("--fact", help="What a right answer says (repeatable).")] = None,
    quotes: Annotated[_Texts, typer.Option("--quote", help="Words of a document that answer it (repeatable).")] = None,
    passages: Annotated[
        list[int] | None, typer.Option("--passage", min=1, help="Number of a listed passage that answers it.")
    ] = None,
    documents: Annotated[_Texts, typer.Option("--document", help="A document with the answer (repeatable).")] = None,
    unanswerable: Annotated[bool, typer.Option("--unanswerable", help="The documents have no answer.")] = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Add a candidate to the question set, with what answers it."""
    from ragops.quality.datasets.candidates import find

    options.need_spark(target)
    workspace = options.workspace(target, schema)
    found, decisions = _opened(workspace)
    chosen = find(found, candidate)
    given = {
        "question": question,
        "answer": answer,
        "facts": facts,
        "quotes": quotes,
        "passages": [_text(chosen, number) for number in passages or ()],
        "documents": documents,
        "answerable": False if unanswerable else None,
    }
    fields = {name: value for name, value in given.items() if value not in (None, [])}
    _accept(chosen, fields, decisions, workspace, target, usecase)


@candidates_app.command()
def edit(candidate: _Id, target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Complete a candidate in your editor ($EDITOR), and add it to the question set."""
    import click

    from ragops.quality.datasets.candidates import find

    options.need_spark(target)
    workspace = options.workspace(target, schema)
    found, decisions = _opened(workspace)
    chosen = find(found, candidate)
    draft = {
        "question": chosen.question,
        "answer": "",
        "quotes": [one.text for one in chosen.passages if one.text],
    }
    text = click.edit(json.dumps(draft, ensure_ascii=False, indent=2), extension=".json")
    if text is None:
        raise UserError(f"candidate {chosen.candidate_id}: nothing was changed, so it stays as it is")
    _accept(chosen, _parsed(chosen, text), decisions, workspace, target, usecase)


@candidates_app.command()
def reject(candidate: _Id, target: Target = "dev", schema: Schema = None) -> None:
    """Keep a candidate out of the question set, for good."""
    from ragops.quality.datasets.candidates import find
    from ragops.quality.datasets.candidates import reject as reject_candidate

    options.need_spark(target)
    found, decisions = _opened(options.workspace(target, schema))
    chosen = find(found, candidate)
    reject_candidate(chosen, decisions, user_name())
    _say(f"candidate {chosen.candidate_id} is rejected")


def _opened(workspace: Workspace) -> tuple[list[Candidate], Decisions]:
    from ragops.quality.datasets.candidates import Decisions
    from ragops.quality.feedback.candidates import candidates_of
    from ragops.quality.feedback.review import verdicts

    return candidates_of(verdicts(workspace, verdict="down")), Decisions(workspace.volume(LEDGER))


def _accept(
    candidate: Candidate,
    fields: Mapping[str, Any],
    decisions: Decisions,
    workspace: Workspace,
    target: str,
    usecase: Path | None,
) -> None:
    from ragops.platform.mlflow_store import use_mlflow
    from ragops.quality.datasets.candidates import accept, drafted
    from ragops.quality.datasets.question_set import is_dataset

    use_case = options.use_case(usecase)
    named = use_case.evaluation.questions
    if is_dataset(named):
        use_mlflow(target)
    question = drafted(candidate, fields)
    _check(question, workspace, use_case)
    is_new = accept(candidate, question, decisions, named, use_case.folder, user_name())
    _say(f"{question.question_id} is {'added to' if is_new else 'already in'} {named}")


def _check(question: Question, workspace: Workspace, use_case: UseCase) -> None:
    """Raises UserError as `check_new`, or if the set cannot be added to."""
    from ragops.answers.prompts.template_files import load_templates
    from ragops.corpus.index.generations.published_files import index_root
    from ragops.corpus.index.reading.reader import IndexReader
    from ragops.quality.datasets.acceptance import check_new
    from ragops.quality.datasets.leakage import examples_of
    from ragops.quality.datasets.store import growing_set

    known = growing_set(use_case.evaluation.questions, use_case.folder)
    shown = examples_of(load_templates(use_case.prompts, use_case.folder).values())
    index = IndexReader(index_root(workspace))
    try:
        pages = index.generation().table.scan()
        check_new(question, known, shown, ((one.text, one.path) for page in pages for one in page))
    finally:
        index.close()


def _text(candidate: Candidate, number: int) -> str:
    """The text of a listed passage."""
    known = candidate.passages
    if number > len(known):
        raise UserError(
            f"--passage {number}: the candidate has {len(known)} passages; see ragops questions candidates list"
        )
    text = known[number - 1].text
    if text is None:
        raise UserError(f"--passage {number}: the documents no longer have it; give --quote")
    return text


def _parsed(candidate: Candidate, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(
            f"candidate {candidate.candidate_id}: what you saved is not JSON ({error}); edit it again"
        ) from error
    if not isinstance(found, dict):
        raise UserError(f"candidate {candidate.candidate_id}: what you saved is not a JSON object; edit it again")
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _say(line: str) -> None:
    console.terminal().print(line, highlight=False, markup=False, soft_wrap=True)

"""What follow-up questions find where no model rewrites them: by the rule of `follow_ups`, and by simpler ones.

Run `python -m tests.bench.follow_ups`; four minutes of CPU time. The evaluation questions are asked after one about
something else, and the pairs below are follow-ups that need the question before them.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ragops.answers.chain.follow_ups import refers_back
from ragops.assembly import query_encoder
from ragops.corpus.chunks.tokens import tokenizer_counter
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.quality.evaluation.retrieval import COVERAGE, Evaluator
from ragops.quality.questions import Question
from ragops.usecase import load_usecase
from tests.bench.retrieval_quality import REPOSITORY, indexed, question_sets

APART = 7  # questions between one and the next of a conversation, which are about something else
RECALL = "recall_at_5"
PAIRS = (
    ("what does the assert statement do", "Is it disabled with -O?", "for an assert statement when"),
    ("why does i, x[i] = 1, 2 print [0, 2]", "And which of the two is assigned first?", "to variables occur left to"),
    ("what does an except clause do", "Does a bare one have to be last?", "if present must be last"),
    ("how does a for loop work", "Is its target list deleted when it is finished?", "but if the sequence is"),
    ("what does the raise statement do", "And without an expression?", "as the active exception if"),
    (
        "how does the with statement work",
        "What happens if its suite raises an exception?",
        "the exception is reraised if",
    ),
    ("what does return do in a function", "And inside a try with finally?", "with a finally clause that"),
    ("what is a generator function", "What makes a function one?", "cause that definition to create"),
    (
        "how do I define a coroutine function with async def",
        "Is it still one without await?",
        "coroutine functions even if they",
    ),
    ("what does break do in a for loop", "Does the target keep its value then?", "by break the loop control"),
    ("what does the power operator do", "What if the number is negative?", "to a fractional power results"),
    ("how are private names in a class mangled", "Why are underscores removed?", "removed and a single underscore"),
    ("how does the in operator work", "And for strings?", "types x in y is"),
    ("how are calls evaluated", "Do they always return a value?", "some value possibly none unless"),
    ("what are imaginary literals", "What do they yield?", "complex number with a real"),
    (
        "what do __hash__ and __eq__ do",
        "Is anything required of them for equal objects?",
        "that objects which compare equal",
    ),
    ("how does a dict store its keys", "Does it keep the order when one is updated?", "does not affect the order"),
    ("are tuples immutable", "Can they be used as dict keys?", "stored in set and frozenset"),
    ("what does str.lower do", "How does casefold differ from that?", "because it is intended to"),
    ("how do I remove an item from a list", "And when it is not found?", "when x is not found"),
    ("which characters are allowed in identifiers", "Uppercase letters too?", "2 x the uppercase and"),
    ("how are relative imports written", "What do two dots mean?", "the import exists two dots"),
    ("how do I debug with pdb", "Can I use it after an abnormal exit?", "mortem debugging if the program"),
    ("what are keyword-only parameters", "And the ones before a slash?", "by keyword arguments parameters before"),
)
"""First question, follow-up, and a few words of the passage that answers it."""
RULES: dict[str, Callable[[str, str], str]] = {
    "both, always": lambda first, second: f"{first} {second}",
    "the second alone": lambda first, second: second,
    "by the rule": lambda first, second: f"{first} {second}" if refers_back(second) else second,
}


def main() -> None:
    """Prints coverage and recall for each kind of conversation and each rule."""
    use_case = load_usecase(REPOSITORY / "usecase.yml")
    count = tokenizer_counter(tokenizer_file(use_case.embedding))
    table = Table("second questions", "searched", "coverage", "recall@5", "searched alone", box=None)
    with tempfile.TemporaryDirectory() as models:
        encoder = query_encoder(use_case, Path(models))
        documents, sets = next(iter(question_sets(None)))
        generation = indexed(documents, use_case, encoder, count)
        conversations = {"follow-ups": follow_ups(), **{name: apart(questions) for name, questions in sets.items()}}
        for name, pairs in conversations.items():
            for rule, searched in RULES.items():
                asked = [one.model_copy(update={"question": searched(first, one.question)}) for first, one in pairs]
                (found,) = Evaluator(generation, encoder, count, asked).evaluate([use_case.retrieval])
                alone = sum(one.question == second.question for one, (_, second) in zip(asked, pairs, strict=True))
                figures = (found.values[COVERAGE].mean(), found.values[RECALL].mean())
                table.add_row(name, rule, *(f"{figure:.3f}" for figure in figures), f"{alone} of {len(pairs)}")
    Console(width=100).print(table)


def follow_ups() -> list[tuple[str, Question]]:
    """The pairs, as questions with their anchors."""
    known = {"kind": "follow-up", "topic": "", "answer": ""}
    return [
        (first, Question(question_id=f"follow-up-{number}", question=second, anchor=anchor, **known))
        for number, (first, second, anchor) in enumerate(PAIRS)
    ]


def apart(questions: Sequence[Question]) -> list[tuple[str, Question]]:
    """Each question after another one, which is about something else."""
    return [(questions[number - APART].question, one) for number, one in enumerate(questions)]


if __name__ == "__main__":
    main()

"""Questions that a scripted model writes: which are kept, and that every other is counted with its reason."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ragops.answers.llms.errors import ModelFailure, PolicyError
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.types import Request
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.answers.retrieval.pipeline import Found
from ragops.corpus.index.passages import Passage
from ragops.quality.datasets.generated.author import Author
from ragops.quality.datasets.generated.generate import STATES, Generated, Generator, chosen_passages
from ragops.quality.datasets.wordings import Wordings
from ragops.quality.gold import is_answered_by
from tests.support.llms import models, scripted

QUOTE = "The otter eats four fish before noon."
REST = " ".join(f"Sentence {number} says nothing of interest." for number in range(10))
ASKED = "What is its morning diet?"


def passage(number: int, document: str = "otter", text: str = f"{QUOTE} {REST}", **fields: tuple[str, ...]) -> Passage:
    return Passage(f"c{number}", document, text, (), document, f"{document}.md", None, number, f"h{number}", **fields)


def found(one: Passage, similarity: float = 0.8) -> Found:
    return Found(one, 1.0, 1, 1, similarity)


def written(question: str = ASKED, quote: str = QUOTE, answer: str = "Four fish.") -> str:
    return json.dumps({"quote": quote, "question": question, "answer": answer})


def generator(
    reply: Callable[[Request], str] | Sequence[str | Exception],
    search: Callable[[str], Sequence[Found]],
    known: Sequence[tuple[str, str]] = (),
) -> tuple[Generator, MemorySink]:
    calls = MemorySink()
    model = ScriptedModel(reply)
    gateway = Gateway(models("m", [], scripted("m")), Policy("public"), lambda _: model, calls)
    author = Author(gateway, load_templates(PromptSettings(), Path()), b"k" * 32, "me")
    return Generator(author, search, Wordings(known), min_evidence=0.35), calls


def states(result: Generated) -> dict[str, int]:
    return dict(result.states)


def test_a_question_that_finds_its_passage_is_kept_with_source_and_quote() -> None:
    source = passage(1)
    own, calls = generator([written()], lambda asked: [found(passage(2)), found(source)])
    result = own.generate([source], 1)
    (kept,) = result.questions
    assert (kept.question, kept.answer, kept.quotes, kept.passages) == (ASKED, "Four fish.", (QUOTE,), ())
    assert (kept.source_chunks, kept.cluster, kept.kind) == (("c1",), "otter.md", "generated")
    assert is_answered_by(kept, source.text, source.path)
    assert states(result) == {"kept": 1}
    assert [(one.purpose, one.prompt_name, one.who) for one in calls.rows] == [("write", "write_question", "me")]


def test_a_quote_that_is_not_in_the_passage_is_replaced_by_the_passage() -> None:
    source = passage(1)
    own, _ = generator([written(quote="Otters breakfast on salmon every day.")], lambda asked: [found(source)])
    (kept,) = own.generate([source], 1).questions
    assert (kept.quotes, kept.passages) == ((), (source.text,))


def test_a_copy_of_the_passage_counts_as_found() -> None:
    source, copy = passage(1), passage(1, "copy")
    own, _ = generator([written()], lambda asked: [found(copy)])
    assert own.generate([source], 1).questions


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (written(question="And who lives there?"), "not found again", "does not find otter.md"),
        (written(question="What does the otter eat before NOON"), "duplicate", "old"),
        ("It eats fish.", "unparsed", "no JSON object"),
        ('{"question": "What?", "quote": "x"', "unparsed", "no JSON object"),
        ('{"question": "What does it eat?", "quote": ["x"], "answer": " "}', "unparsed", "no quote, answer"),
        (written(question="Question 2"), "unparsed", "no question"),
        (written(question="What is the fish of the fish of the fish of the fish?"), "unparsed", "no question"),
        (ModelFailure("model m: no memory; restart it"), "error", "no memory"),
    ],
)
def test_what_is_not_kept_is_counted_with_its_reason(reply: str | Exception, state: str, reason: str) -> None:
    def search(asked: str) -> Sequence[Found]:
        return [] if "lives" in asked else [found(passage(1))]

    own, _ = generator([reply], search, known=[("old", "What does the otter eat before noon?")])
    result = own.generate([passage(1)], 1)
    assert not result.questions and states(result) == {state: 1}
    assert any(reason in text for text in result.reasons.values())


def test_a_question_in_a_script_without_spaces_is_long_enough() -> None:
    own, _ = generator([written(question="カワウソは何を食べますか")], lambda asked: [found(passage(1))])
    assert len(own.generate([passage(1)], 1).questions) == 1


def test_equal_questions_are_kept_once() -> None:
    own, _ = generator([written()], lambda asked: [found(passage(number)) for number in range(4)])
    result = own.generate([passage(number) for number in range(4)], 4)
    assert states(result) == {"kept": 1, "duplicate": 3}


def test_an_unanswerable_question_is_kept_where_nothing_answers_it() -> None:
    def reply(request: Request) -> str:
        prompt = request.messages[-1].content
        if "missing" in prompt:
            asked = "Who bought this bridge?" if "number 1" in prompt else "What does it eat before noon?"
            return json.dumps({"missing": "the owner", "question": asked})
        return json.dumps({"reason": "-", "verdict": "yes" if "before noon?" in prompt else "no"})

    sources = [passage(1, text=f"number 1 {REST}"), passage(2, text=f"{QUOTE} {REST}")]
    own, calls = generator(reply, lambda asked: [found(sources[1])])
    result = own.generate(sources, 2, unanswerable=2)
    assert states(result) == {"kept": 1, "answered": 1}
    (kept,) = result.questions
    assert (kept.question, kept.answerable, kept.kind) == ("Who bought this bridge?", False, "generated_unanswerable")
    assert kept.source_chunks == ("c1",)
    assert len(calls.rows) == 4


def test_low_evidence_needs_no_further_look() -> None:
    reply = json.dumps({"missing": "the owner", "question": "Who bought this bridge?"})
    own, calls = generator([reply], lambda asked: [found(passage(2), similarity=0.2)])
    assert len(own.generate([passage(1)], 1, unanswerable=1).questions) == 1
    assert len(calls.rows) == 1


def test_it_stops_with_enough_questions_or_after_four_requests_for_each() -> None:
    seen: list[int] = []
    own, calls = generator(
        lambda request: written(f"What is number {len(seen)}?"), lambda asked: [found(one) for one in sources]
    )
    sources = [passage(number) for number in range(100)]
    result = own.generate(sources, 3, on_progress=lambda result: seen.append(result.states.total()))
    assert len(result.questions) == 3 and len(calls.rows) == 3
    own, calls = generator(["nothing"], lambda asked: [])
    assert states(own.generate(sources, 3)) == {"unparsed": 12}
    assert set(STATES) >= {"kept", "unparsed"}


def test_what_was_kept_stays_when_the_model_goes_away() -> None:
    source = passage(1)
    own, _ = generator([written(), ModelFailure("model m: down; start it")], lambda asked: [found(source)])
    result = own.generate([source, *(passage(number) for number in range(2, 50))], 20)
    assert len(result.questions) == 1 and result.stopped


def test_a_model_that_may_not_see_the_passages_is_not_asked() -> None:
    served = {"name": "m", "provider": "openai_compatible", "served_name": "x", "context_tokens": 4096}
    gateway = Gateway(models("m", [], served), Policy("confidential"), lambda _: ScriptedModel(["-"]), MemorySink())
    author = Author(gateway, load_templates(PromptSettings(), Path()), b"k" * 32, "me")
    with pytest.raises(PolicyError):
        Generator(author, lambda asked: [], Wordings(), 0.35).generate([passage(1)], 1)


def test_a_model_that_never_answers_ends_it() -> None:
    own, calls = generator([ModelFailure("model m: down; start it")], lambda asked: [])
    result = own.generate([passage(number) for number in range(100)], 20, unanswerable=10)
    assert result.stopped == "the model failed 5 times in a row, at first: model m: down; start it"
    assert states(result) == {"error": 5}


def test_passages_come_from_all_documents_in_turn_and_always_the_same() -> None:
    known = [passage(10 * at + number, document) for at, document in enumerate("abc") for number in range(5)]
    chosen = chosen_passages([*known, passage(98, "short", "Too short."), passage(99, "secret", groups=("hr",))])
    assert {one.doc_id for one in chosen[:3]} == {"a", "b", "c"} == {one.doc_id for one in chosen}
    assert chosen == chosen_passages(chosen[::-1]) and len(chosen) == 15
    assert chosen_passages(known, seed=1) != chosen

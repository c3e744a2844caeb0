"""Variants asked, measured and shown: over a chain whose search and model are the test's."""

import math

import pytest

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.errors import ModelFailure
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.errors import UserError
from ragops.quality.evaluation.comparison import WHO, VariantResult, ask_each, questions_to_try, try_variants
from ragops.quality.evaluation.variants import RecordingSink, Variant
from ragops.quality.questions import Question
from ragops.usecase import UseCase
from tests.support.chains import FakeSearcher, chain, scripted_gateway
from tests.support.evaluations import USE_CASE

KNOWN = Question(question_id="a", question="What?", kind="k", topic="t", anchor="four fish", answer="Fish.")
UNKNOWN = Question(question_id="b", question="Which?", kind="k", topic=None, anchor=None, answer=None)
OWN, OTHER = Variant("cite_or_abstain", "script", "weighted"), Variant("brief", "script", "weighted")


class Scripts:
    """Chains of variants over one passage; a model for each prompt, which has its replies in turn."""

    use_case: UseCase = USE_CASE

    def __init__(self, **replies: list[str | Exception]) -> None:
        self.calls = RecordingSink(MemorySink())
        self.checked: list[Variant] = []
        self._replies = replies

    def check(self, variants: list[Variant]) -> None:
        self.checked += variants

    def open(self, variant: Variant) -> Chain:
        model = ScriptedModel(self._replies[variant.prompt], "script")
        gateway = scripted_gateway(["unused"], self.calls, model)  # type: ignore[arg-type]
        return chain(FakeSearcher(["The otter eats four fish."]), gateway, variant.prompt)


def both(chains: Scripts, *questions: Question) -> list[VariantResult]:
    return list(try_variants(chains, [OWN, OTHER], questions))  # type: ignore[arg-type]


def test_each_variant_has_its_own_answers_calls_and_figures() -> None:
    nothing = "I cannot find the answer in the documents."
    chains = Scripts(cite_or_abstain=["Four fish [1].", nothing], brief=["Seven [9].", "Eight [1]."])
    own, other = both(chains, KNOWN, UNKNOWN)
    assert chains.checked == [OWN, OTHER]  # before anything was asked
    assert own.metrics().items() >= {"answered": 1, "supported": 1, "abstained": 1, "citation_validity": 1}.items()
    assert other.metrics()["abstained"] == 0
    assert {call.who for one in (own, other) for call in one.calls} == {WHO}
    assert [len(one.calls) for one in (own, other)] == [2, 2] and own.tokens > 20
    assert other.better_than(own)["abstained"].mean == -1


def test_a_failed_question_is_an_error_in_its_row() -> None:
    down = ModelFailure("Model script: it is down; try later")
    chains = Scripts(cite_or_abstain=[down], brief=["Four fish [1]."])
    own, other = both(chains, KNOWN)
    assert own.rows[0].error == str(down) and own.metrics()["errors"] == 1
    assert math.isnan(other.better_than(own)["supported"].mean)
    (exchange,) = ask_each(chains, OWN, ["What?"])  # type: ignore[arg-type]
    assert (exchange.answer, exchange.error) == (None, str(down))
    assert [call.outcome for call in exchange.calls] == ["failed"]


def test_an_exchange_has_the_prompt_as_it_was_sent() -> None:
    chains = Scripts(cite_or_abstain=["Four fish [1]."])
    opened = chains.open(OWN)
    chains.open = lambda variant: opened  # type: ignore[method-assign]
    (exchange,) = ask_each(chains, OWN, ["What?"])  # type: ignore[arg-type]
    sent = opened.gateway.primary.requests[0].messages  # type: ignore[attr-defined]
    assert exchange.messages == sent and exchange.answer is not None and exchange.answer.cited


def test_the_sample_of_questions_is_reproducible_and_must_not_be_empty() -> None:
    with pytest.raises(UserError, match="the use case names none"):
        questions_to_try([], 5)
    many = [KNOWN.model_copy(update={"question_id": str(number)}) for number in range(50)]
    assert questions_to_try(many, 7) == questions_to_try(many, 7) and len(questions_to_try(many, 7)) == 7

"""Variants asked, measured and shown: over a chain whose search and model are the test's."""

import json
import math
from io import StringIO

import pytest
from rich.console import Console

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.errors import ModelFailure
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.errors import UserError
from ragops.quality.evaluation.comparison import WHO, Tried, ask_each, questions_to_try, surely, try_variants
from ragops.quality.evaluation.reports.pictures import comparison_pictures, verdict
from ragops.quality.evaluation.reports.variants import as_rows, frame, show
from ragops.quality.evaluation.variants import Variant, Watched
from ragops.quality.questions import Question
from ragops.usecase import UseCase
from tests.support.chains import Searching, chain, scripted_gateway
from tests.support.evaluations import tried
from tests.unit.quality.evaluation.test_variants import USE_CASE

KNOWN = Question(question_id="a", question="What?", kind="k", topic="t", anchor="four fish", answer="Fish.")
UNKNOWN = Question(question_id="b", question="Which?", kind="k", topic=None, anchor=None, answer=None)
OWN, OTHER = Variant("cite_or_abstain", "script", "weighted"), Variant("brief", "script", "weighted")


class Scripts:
    """Chains of variants over one passage; a model for each prompt, which has its replies in turn."""

    use_case: UseCase = USE_CASE

    def __init__(self, **replies: list[str | Exception]) -> None:
        self.calls = Watched(MemorySink())
        self.checked: list[Variant] = []
        self._replies = replies

    def check(self, variants: list[Variant]) -> None:
        self.checked += variants

    def open(self, variant: Variant) -> Chain:
        model = ScriptedModel(self._replies[variant.prompt], "script")
        gateway = scripted_gateway(["unused"], self.calls, model)  # type: ignore[arg-type]
        return chain(Searching(["The otter eats four fish."]), gateway, variant.prompt)


def both(chains: Scripts, *questions: Question) -> list[Tried]:
    return list(try_variants(chains, [OWN, OTHER], questions))  # type: ignore[arg-type]


def test_each_variant_has_its_answers_its_calls_and_its_figures() -> None:
    nothing = "I cannot find the answer in the documents."
    chains = Scripts(cite_or_abstain=["Four fish [1].", nothing], brief=["Seven [9].", "Eight [1]."])
    own, other = both(chains, KNOWN, UNKNOWN)
    assert chains.checked == [OWN, OTHER]  # before anything was asked
    assert own.metrics().items() >= {"answered": 1, "supported": 1, "abstained": 1, "citation_validity": 1}.items()
    assert other.metrics()["abstained"] == 0
    assert {call.who for one in (own, other) for call in one.calls} == {WHO}
    assert [len(one.calls) for one in (own, other)] == [2, 2] and own.tokens > 20
    assert other.better_than(own)["abstained"].mean == -1


def test_what_fails_is_a_row_and_not_an_end() -> None:
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


def test_questions_are_the_same_each_time_and_none_is_an_error() -> None:
    with pytest.raises(UserError, match="the use case names none"):
        questions_to_try([], 5)
    many = [KNOWN.model_copy(update={"question_id": str(number)}) for number in range(50)]
    assert questions_to_try(many, 7) == questions_to_try(many, 7) and len(questions_to_try(many, 7)) == 7


OWN_TRIED = tried("cite_or_abstain", [0.0] * 12)
BETTER = tried("brief", [1.0] * 12)
LIKE = tried("cite", [0.0, 1.0] + [0.0] * 10)


def test_the_sentence_names_what_is_sure_and_nothing_else() -> None:
    said = verdict([OWN_TRIED, LIKE, BETTER])
    assert "brief is surely better in supported (+1.00" in said and "cite is surely" not in said
    assert "chance alone explains every difference" in verdict([OWN_TRIED, LIKE])
    assert "worse" in verdict([BETTER, OWN_TRIED])


@pytest.mark.parametrize("trials", [[OWN_TRIED, BETTER], [OWN_TRIED], [tried("cite", [], failed=2), BETTER]])
def test_pictures_can_be_drawn_of_any_outcome(trials: list[Tried]) -> None:
    pictures = list(comparison_pictures(trials))
    assert [one.name for one in pictures] == ["checks", "effort"]
    assert all("<svg" in one.svg and "nan" not in one.sentence for one in pictures)


def test_no_questions_no_picture() -> None:
    assert list(comparison_pictures([tried("cite", [])])) == []


def printed(*trials: Tried) -> str:
    out = StringIO()
    show(Console(file=out, width=100), trials, "cite_or_abstain")
    return out.getvalue()


def test_the_table_compares_with_the_use_cases_prompt_of_the_same_model() -> None:
    elsewhere = tried("cite_or_abstain", [1.0] * 12, "served")
    lone = tried("brief", [1.0] * 12, "served")
    text = printed(OWN_TRIED, BETTER, elsewhere, lone)
    below = text.split("less what cite_or_abstain gets")[1]
    assert "brief, quotes" in below and "+1.00" in below  # against 0 with quotes
    assert "brief, served" in below and below.count("+1.00 +1.00..+1.00") == 0
    assert text.count("use case's") == 2
    rows = as_rows([OWN_TRIED, BETTER, elsewhere, lone], "cite_or_abstain")
    assert [row["minus_card"] and row["minus_card"]["supported"]["mean"] for row in rows] == [None, 1.0, None, 0.0]
    assert rows[1]["technique"] == "zero_shot" and len(rows[1]["content_hash"]) == 64


def test_rows_are_json_even_where_nothing_was_measured() -> None:
    rows = as_rows([tried("cite", [], failed=2)], "cite")
    assert json.loads(json.dumps(rows, allow_nan=False))[0]["answered"] is None
    assert "-" in printed(tried("cite", [], failed=2))


def test_a_frame_has_a_column_for_each_variant() -> None:
    found = frame([OWN_TRIED, BETTER, tried("cite", [1.0], failed=1)])
    assert list(found.columns) == ["cite_or_abstain", "brief", "cite"]
    assert found.loc["supported", "brief"] == "1.00 (1 to 1)" and found.loc["failed", "cite"] == 1
    assert found.loc["abstained", "brief"] == ""


@pytest.mark.parametrize(("values", "word"), [([1.0] * 9, "better"), ([-1.0] * 9, "worse"), ([1.0, -1.0] * 5, "")])
def test_surely(values: list[float], word: str) -> None:
    zero = tried("cite", [0.0] * len(values))
    assert surely(tried("brief", values).better_than(zero)["supported"]) == word

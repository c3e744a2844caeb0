"""The steps of a batch, taken one by one, give the answer of the chain."""

import pickle
from dataclasses import replace

import pytest

from ragops.answers.chain.types import AnswerSettings, Query
from ragops.answers.llms.types import Reply
from ragops.answers.retrieval.context import Context
from tests.support.chains import FakeSearcher, chain, scripted_gateway

QUESTION = "When does the ferry leave the north pier?"
TEXTS = ["The ferry leaves the north pier at twenty to eight.", "Tickets are sold on board."]
REPLIES = [
    "The ferry leaves at twenty to eight [1].",
    "The ferry leaves the north pier at twenty to eight.",
    "It leaves at noon [7]. Tickets are sold on board [2].",
    "Nothing of that is in here",
    "I don't know: the documents do not say.",
    "Use `x[1]`.",
]


@pytest.mark.parametrize("uncited", ["keep", "quote"])
@pytest.mark.parametrize("text", REPLIES)
def test_a_reply_is_checked_as_the_chain_checks_it(text: str, uncited: str) -> None:
    settings = AnswerSettings.model_validate({"uncited": uncited})
    opened = chain(FakeSearcher(TEXTS), scripted_gateway([text]), settings=settings)
    whole = opened.answer(Query(QUESTION))
    context, score = opened.retrieve(QUESTION, ())
    reply = opened.gateway.primary.generate(opened.request(QUESTION, context.sources))
    checks = pickle.loads(pickle.dumps(opened.checks))  # batches are checked in other processes
    alone = checks.checked(reply, checks.abstention(QUESTION, context, score, "g-000001")).answer
    assert replace(whole, seconds=0.0, step_seconds={}, trace_id=None) == alone


@pytest.mark.parametrize(("similarity", "suffices"), [(0.29, False), (0.3, True)])
def test_evidence_decides_whether_a_model_is_asked(similarity: float, suffices: bool) -> None:
    settings = AnswerSettings(min_evidence=0.3)
    opened = chain(FakeSearcher(TEXTS, similarity), scripted_gateway(["-"]), settings=settings)
    assert opened.checks.suffices(*opened.retrieve(QUESTION, ())) == suffices
    assert not opened.checks.suffices(Context((), 0, 0), 1.0)


def test_an_abstention_keeps_the_figures_of_its_reply() -> None:
    opened = chain(FakeSearcher(TEXTS), scripted_gateway(["-"]))
    context, score = opened.retrieve(QUESTION, ())
    abstention = opened.checks.abstention(QUESTION, context, score, "g")
    reply = Reply("I don't know: the documents do not say.", "m", "scripted", 5, 6, 1.0, "stop")
    answer = opened.checks.checked(reply, abstention).answer
    assert (answer.abstained, answer.text, answer.prompt_tokens) == ("the model", abstention.text, 5)
    assert (abstention.abstained, abstention.model) == ("no evidence", "")

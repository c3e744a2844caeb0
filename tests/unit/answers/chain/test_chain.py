"""The chain with a scripted model: replies are checked, counted, and never shown without support."""

from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Trace

from ragops.answers.chain.types import Answer, AnswerSettings, Query
from ragops.answers.llms.errors import Rejected
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.types import drain
from ragops.answers.prompts.types import Message
from ragops.assembly import hide_texts_in_traces
from ragops.usecase import load_usecase
from tests.support.chains import ROOT, FakeSearcher, chain, failing_gateway, scripted_gateway

FERRY = "The ferry leaves for the lighthouse island at twenty to eight on weekdays."
CRANE = "Painters close the crane until Friday."
ABSTENTION = "I cannot find the answer in the documents."
ASKED = Query("When does the ferry leave?", who="jane")


def answered(*replies: str, question: Query = ASKED, similarity: float = 0.6, **settings: object) -> Answer:
    searcher = FakeSearcher([FERRY, CRANE], similarity)
    made = chain(searcher, scripted_gateway(replies), settings=AnswerSettings.model_validate(settings))
    return made.answer(question)


def test_an_answer_has_its_sources() -> None:
    answer = answered("At twenty to eight [1].")
    assert answer.text == "At twenty to eight [1]."
    assert [one.passage.path for one in answer.cited] == ["p1.md"]
    assert len(answer.sources) == 2
    assert (answer.abstained, answer.removed_citations, answer.model) == (None, 0, "script")
    assert answer.prompt.startswith("cite_or_abstain@")
    assert answer.trace_id is None


def test_an_answer_has_the_time_of_each_step_that_was_made() -> None:
    answer = answered("At twenty to eight [1].")
    assert set(answer.step_seconds) == {"retrieve", "prompt", "generate", "check"}
    assert 0 <= sum(answer.step_seconds.values()) <= answer.seconds
    assert set(answered("x", min_evidence=0.9).step_seconds) == {"retrieve"}


def test_citations_of_passages_that_were_not_retrieved_are_removed_and_counted() -> None:
    answer = answered("At twenty to eight [1][7], they say [0].")
    assert answer.text == "At twenty to eight [1], they say."
    assert (answer.valid_citations, answer.removed_citations) == (1, 2)


def test_a_sentence_that_repeats_a_passage_gets_its_citation() -> None:
    answer = answered("The ferry leaves at twenty to eight on weekdays.")
    assert answer.text == "The ferry leaves at twenty to eight on weekdays [1]."
    assert (answer.attributed, answer.quoted, answer.valid_citations) == (1, False, 0)


def test_an_uncited_answer_is_replaced_by_quotes_unless_settings_keep_it() -> None:
    answer = answered("Mona Lisa was painted by Leonardo, as everybody knows.")
    assert answer.text == f"{FERRY[:-1]} [1]."
    assert answer.quoted and answer.valid_citations == 0
    kept = answered("Mona Lisa was painted by Leonardo, as everybody knows.", uncited="keep")
    assert (kept.text.startswith("Mona Lisa"), kept.cited) == (True, ())


def test_an_uncited_answer_without_a_fitting_quote_becomes_an_abstention() -> None:
    answer = answered("Leonardo did, as everybody knows.", question=Query("Who carved the Mona Lisa?"))
    assert (answer.text, answer.abstained) == (ABSTENTION, "the model")


@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        ({"support": 0.2}, "Painters close the crane until Friday [2]."),
        ({"support": 0.25}, ABSTENTION),
        (None, "Painters close the crane until Friday [2]."),
    ],
)
def test_quotes_follow_the_settings_of_the_use_cases_extractive_model(
    quotes: dict[str, object] | None, expected: str
) -> None:
    gateway = scripted_gateway(["Leonardo did, as everybody knows."], quotes=quotes)
    assert chain(FakeSearcher([FERRY, CRANE]), gateway).answer(Query("Are Mona and Lisa painters?")).text == expected


def test_delimiters_repeated_by_the_model_are_removed() -> None:
    answer = answered('<passage-abcdefghij number="1">\nAt twenty to eight [1].\n</passage-abcdefghij>')
    assert answer.text == "At twenty to eight [1]."


def test_an_abstention_of_the_model_is_recognized() -> None:
    answer = answered(ABSTENTION)
    assert (answer.text, answer.abstained, answer.cited) == (ABSTENTION, "the model", ())


def test_without_evidence_no_model_is_asked() -> None:
    rows = MemorySink()
    searcher = FakeSearcher([FERRY], similarity=0.2)
    made = chain(searcher, scripted_gateway(["never"], rows), settings=AnswerSettings(min_evidence=0.3))
    answer = made.answer(ASKED)
    assert (answer.text, answer.abstained, answer.model) == (ABSTENTION, "no evidence", "")
    assert rows.rows == []
    assert chain(FakeSearcher([]), scripted_gateway(["never"], rows)).answer(ASKED).abstained == "no evidence"


def test_the_ledger_row_names_user_purpose_and_prompt() -> None:
    rows = MemorySink()
    chain(FakeSearcher([FERRY]), scripted_gateway(["So [1]."], rows)).answer(ASKED)
    (row,) = rows.rows
    assert (row.who, row.purpose, row.prompt_name, row.outcome) == ("jane", "ask", "cite_or_abstain", "answered")


def test_the_askers_groups_are_passed_to_the_search() -> None:
    searcher = FakeSearcher([FERRY])
    chain(searcher, scripted_gateway(["So [1]."])).answer(Query("When?", groups=("hr",)))
    assert searcher.asked == [("When?", ("hr",))]


HISTORY = (Message("user", "When does the ferry leave?"), Message("assistant", "At twenty to eight [1]."))


@pytest.mark.parametrize(
    ("rewritten", "searched"),
    [
        ("When does the ferry leave on Sundays?", "When does the ferry leave on Sundays?"),
        ('"When does the ferry leave on Sundays?"', "When does the ferry leave on Sundays?"),
        ("I'm happy to help! What is your favourite ship?", "When does the ferry leave? And on Sundays?"),
        ("When does the ferry leave?", "When does the ferry leave? And on Sundays?"),
        ("On Sundays?\nYes.", "When does the ferry leave? And on Sundays?"),
    ],
)
def test_a_follow_up_is_searched_for_as_a_standalone_question(rewritten: str, searched: str) -> None:
    searcher = FakeSearcher([FERRY])
    made = chain(searcher, scripted_gateway([rewritten, "At twenty to eight [1]."]))
    answer = made.answer(Query("And on Sundays?", history=HISTORY))
    assert [text for text, _ in searcher.asked] == [searched]
    assert answer.standalone == searched


@pytest.mark.parametrize(("length", "taken"), [(4000, 0), (3999, 0), (3998, 1), (3000, 999)])
def test_the_previous_question_is_cut_to_the_maximum_length(length: int, taken: int) -> None:
    question = f"{'x' * (length - 1)}?"
    made = chain(searcher := FakeSearcher([FERRY]), scripted_gateway(["Hello!", "At twenty to eight [1]."]))
    made.answer(Query(question, history=(Message("user", "y" * 4000),)))
    assert [text for text, _ in searcher.asked] == ["y" * taken + " " * bool(taken) + question]


@pytest.mark.parametrize("reply", ["Hello!", "How much is a ticket?"])
def test_without_a_rewriting_a_question_that_stands_alone_is_searched_alone(reply: str) -> None:
    made = chain(searcher := FakeSearcher([FERRY]), scripted_gateway([reply, "At twenty to eight [1]."]))
    question = "How many cars does the southern ferry carry?"
    assert made.answer(Query(question, history=HISTORY)).standalone == question
    assert [text for text, _ in searcher.asked] == [question]


def test_history_turns_0_disables_rewriting() -> None:
    searcher = FakeSearcher([FERRY])
    made = chain(searcher, scripted_gateway(["So [1]."]), settings=AnswerSettings(history_turns=0))
    assert made.answer(Query("And on Sundays?", history=HISTORY)).standalone == "And on Sundays?"


@pytest.mark.parametrize("prompt", ["cite_or_abstain", "structured", "step_by_step"])
def test_streamed_and_whole_answers_are_the_same(prompt: str) -> None:
    replies = {
        "cite_or_abstain": "At twenty to eight [1][9].",
        "structured": '{"answerable": true, "answer": "At twenty to eight.", "citations": [1, 9]}',
        "step_by_step": "[1] says when.\nFinal answer: At twenty to eight [1][9].",
    }
    made = chain(FakeSearcher([FERRY]), scripted_gateway([replies[prompt]]), prompt)
    result: list[str] = []
    streamed = drain(made.stream(ASKED), result.append)
    assert streamed.text == made.answer(ASKED).text == "At twenty to eight [1]."
    assert "".join(result) == ("At twenty to eight [1][9]." if prompt == "cite_or_abstain" else streamed.text)


def test_passages_are_never_in_the_system_role() -> None:
    model = ScriptedModel(("So [1].",), "script", 1_000_000)
    chain(FakeSearcher([FERRY]), scripted_gateway(["So [1]."], model=model)).answer(ASKED)
    (request,) = model.requests
    assert [FERRY in message.content for message in request.messages] == [
        message.role == "user" for message in request.messages
    ]


def trace_of(answer: Answer) -> Trace:
    """Its trace."""
    trace = mlflow.get_trace(str(answer.trace_id))
    assert trace is not None
    return trace


def test_every_step_is_a_span(traced: None) -> None:
    answer = chain(FakeSearcher([FERRY]), scripted_gateway(["So [1]."])).answer(Query("And?", history=HISTORY))
    trace = trace_of(answer)
    assert [span.name for span in trace.data.spans] == ["answer", "rewrite", "retrieve", "prompt", "generate", "check"]
    assert {span.status.status_code for span in trace.data.spans} == {"OK"}


def test_a_trace_records_fallbacks_and_their_reasons(traced: None) -> None:
    made = chain(FakeSearcher([FERRY]), failing_gateway("Model served: HTTP 400 no", "So [1]."))
    answer = made.answer(Query("And?", history=HISTORY))
    assert (answer.model, answer.failed, answer.not_rewritten) == ("script", *[{"served": "HTTP 400 no"}] * 2)
    root, rewrite, _, _, generate, _ = trace_of(answer).data.spans
    assert (root.outputs["model"], root.outputs["failed"]) == ("script", {"served": "HTTP 400 no"})
    assert (generate.attributes["failed_models"], rewrite.attributes["failed_models"]) == (["served"], ["served"])


def test_traces_of_confidential_documents_contain_no_server_messages(tmp_path: Path, traced: None) -> None:
    """A refusal may repeat the prompt, and if no model answers, it is the only text that the trace records."""
    use_case = load_usecase(ROOT / "usecase.yml")
    closed = use_case.corpus.model_copy(update={"classification": "confidential"})
    hide_texts_in_traces(use_case.model_copy(update={"corpus": closed}))
    refused = Rejected(f"Model served: HTTP 400 not allowed: {FERRY}", status=400)
    try:
        with pytest.raises(Rejected):
            chain(FakeSearcher([FERRY]), scripted_gateway(["-"], model=ScriptedModel([refused], "script"))).answer(
                Query("And?")
            )
        (trace,) = mlflow.search_traces(return_type="list")
    finally:
        mlflow.tracing.configure(span_processors=[])
    result = {event.attributes["exception.message"] for span in trace.data.spans for event in span.events}
    assert result == {"Rejected, HTTP 400"}
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert kept and not any(FERRY.encode() in content for content in kept)


def test_traces_of_confidential_documents_contain_no_texts(tmp_path: Path, traced: None) -> None:
    use_case = load_usecase(ROOT / "usecase.yml")
    closed = use_case.corpus.model_copy(update={"classification": "confidential"})
    hide_texts_in_traces(use_case.model_copy(update={"corpus": closed}))
    try:
        answer = chain(FakeSearcher([FERRY]), scripted_gateway(["So it says [1]."])).answer(
            Query("And?", history=HISTORY)
        )
        trace = trace_of(answer)
    finally:
        mlflow.tracing.configure(span_processors=[])
    assert len(trace.data.spans) == 6 and "evidence" in trace.data.spans[2].attributes
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert kept and not any(text.encode() in content for content in kept for text in (FERRY, "So it says", "And?"))

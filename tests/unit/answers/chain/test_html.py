"""Answers as HTML: complete, and with all untrusted text escaped."""

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.html import Exchange, answers_html, side_by_side_html
from ragops.answers.chain.types import Answer, Query
from ragops.answers.llms.ledger.sinks import MemorySink
from tests.support.chains import FakeSearcher, chain, scripted_gateway

OTTER = "The otter eats four fish before noon."
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7 * 7 }}</style></pre>"


class Elements(HTMLParser):
    """A page as a browser sees it: elements, their attributes, and the text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@cache
def exchange(
    reply: str = "It eats four fish [1].", texts: tuple[str, ...] = (OTTER, "Rain."), text: str = "What?"
) -> Exchange:
    rows = MemorySink()
    asking = chain(FakeSearcher(texts), scripted_gateway([reply], rows))
    answer = asking.answer(Query(text))
    return Exchange(text, answer, tuple(asking.messages(answer.standalone, answer.sources)), tuple(rows.rows))


def test_an_answer_is_shown_with_passages_prompt_and_calls() -> None:
    one = exchange()
    page = Elements(answers_html([one]))
    (cite,) = [found for found in page.named("a") if found["class"] == "cite"]
    ids = [found["id"] for found in page.named("div") if "id" in found]
    assert cite["href"] == f"#{ids[0]}" and len(set(ids)) == 2
    text = " ".join(page.texts)
    for result in ("What?", "It eats four fish", "cites 1 of 2", "script", "dense 1", "0.60", "not in lexical", OTTER):
        assert result in text
    assert one.messages[-1].content in text  # the prompt as it was sent, with its delimiters
    assert "answered" in text and "cite_or_abstain" in text
    assert [found["class"] for found in page.named("div") if "source" in (found.get("class") or "").split()] == [
        "source cited",
        "source",
    ]


def test_an_abstention_and_an_error_are_labeled() -> None:
    nothing = exchange("I cannot find the answer in the documents.")
    text = " ".join(Elements(answers_html([nothing, Exchange("Why?", error="model served: it is down")])).texts)
    assert "no answer: the model declined" in text
    assert "model served: it is down" in text


def test_a_fallback_is_shown_with_the_reason_in_all_views() -> None:
    one = exchange()
    failed, calls = (
        {"served": "HTTP 400 <b>no</b>"},
        [
            call.model_copy(update={"fallback_of": "served", "fallback_reason": "Rejected, HTTP 400"})
            for call in one.calls
        ],
    )
    fallen = replace(one, answer=replace(answer_of(one), failed=failed), calls=calls)
    pages = [answers_html([fallen]), side_by_side_html({"a": [fallen]})]
    texts = [" ".join(Elements(page).texts) for page in pages]
    assert all("served did not answer (HTTP 400 <b>no</b>); fell back to script" in text for text in texts)
    assert "fallback for served (Rejected, HTTP 400)" in texts[0]


def test_no_passage_and_no_model_are_not_errors() -> None:
    page = answers_html([exchange(texts=())])
    assert "too little evidence" in page and "No passage was found." in page and "none (not asked)" in page


@pytest.mark.parametrize("shown", [lambda one: answers_html([one]), lambda one: side_by_side_html({EVIL: [one]})])
def test_untrusted_text_is_never_markup(shown) -> None:
    one = exchange(f"{EVIL} is so [1]. `{EVIL}`", (EVIL, OTTER), EVIL)
    assert one.answer is not None
    broken = Exchange(EVIL, error=EVIL)
    honest, page = Elements(shown(exchange())), Elements(shown(one) + shown(broken))
    allowed = {tag for tag, _ in honest.elements} | {"code"}
    assert {tag for tag, _ in page.elements} <= allowed
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "49" not in " ".join(page.texts)


def test_nothing_is_fetched_and_no_fixed_color_hides_text_on_a_dark_page() -> None:
    page = answers_html([exchange()]) + side_by_side_html({"a": [exchange()]})
    assert not re.search(r"https?://|url\(|@import|<script|src=", page)
    assert not re.search(r"(?<!-)color:\s*(#|black|white)", page)


def test_side_by_side_has_a_row_for_each_question() -> None:
    columns = {name: [exchange(), Exchange("Why?", error="down")] for name in ("dense", "lexical")}
    page = Elements(side_by_side_html(columns))
    assert len(page.named("tr")) == 3 and len(page.named("td")) == 6
    assert not [found for found in page.named("a") if "href" in found]


def answer_of(one: Exchange) -> Answer:
    assert one.answer is not None
    return one.answer


def test_code_keeps_its_lines_and_made_up_citations_are_counted() -> None:
    one = exchange()
    answer = replace(answer_of(one), text="So [1]:\n```python\nxs[1]\ny\n```", removed_citations=2)
    page = answers_html([replace(one, answer=answer)])
    assert "<pre>xs[1]\ny\n</pre>" in page
    assert "2 made-up citations removed" in page


@given(st.text(max_size=60))
def test_any_text_can_be_rendered(text: str) -> None:
    one = exchange()
    page = answers_html([replace(one, answer=replace(answer_of(one), text=text.replace("[", "(")))])
    assert page.count("<article>") == 1

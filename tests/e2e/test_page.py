"""The page in a browser, in front of a real server.

`test_the_walk` can be pointed at any server, a deployed App for example: RAGOPS_PAGE_URL and RAGOPS_PAGE_TOKEN
(docs/how-to/serve.md).
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.bundles import Bundle
from tests.e2e.page_server import (
    AUTHORIZED,
    BADGER,
    EATS,
    ENDLESS,
    LAYOUT,
    LONG_WORD,
    MONA_LISA,
    OTTER,
    PILOT,
    PILOT_ANSWER,
    PILOT_TEXT,
    PILOT_TITLE,
    SCHEMA,
    TOKEN,
    PageServer,
    answering,
    write_documents,
    write_use_case,
)
from tests.support.browser import needs_chromium
from tests.support.openai_double import OpenAIDouble, serving

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; make .venv/.dev")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Locator, Page, Request, expect  # noqa: E402

pytestmark = needs_chromium
DEPLOYED, DEPLOYED_TOKEN = os.environ.get("RAGOPS_PAGE_URL", ""), os.environ.get("RAGOPS_PAGE_TOKEN", "")
SEEN = "document.documentElement.scrollWidth <= innerWidth"  # nothing to scroll sideways

Open = Callable[..., Page]
expect.set_options(timeout=60_000)  # milliseconds; a busy machine fails nothing


@dataclass
class Served:
    """The server and the model behind it."""

    server: PageServer
    model: OpenAIDouble


@pytest.fixture(scope="module")
def served(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    landing = tmp_path_factory.mktemp("landing")
    write_documents(landing)
    with serving(answer=answering) as double:
        use_case = write_use_case(bundle, double, tmp_path_factory.mktemp("use_case") / "usecase.yml")
        bundle.refresh(landing=str(landing), schema=SCHEMA, usecase=str(use_case))
        server = PageServer(bundle, use_case)
        server.start()
        yield Served(server, double)
        server.stop()


@pytest.fixture
def opened(browser: Browser, served: Served) -> Iterator[Open]:
    """Opens the page in a tab of a new session; the test fails if a script of it fails or its policy is violated."""
    with ExitStack() as stack:
        errors: list[str] = []

        def opened(token: str = TOKEN, **settings: Any) -> Page:
            context = stack.enter_context(browser.new_context(**{"reduced_motion": "reduce"} | settings))
            context.add_init_script(f"sessionStorage.token ??= {json.dumps(token)}" if token else "")
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: errors.append(f"dialog {dialog.message}"))
            page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
            page.goto(served.server.url)
            return page

        yield opened
    assert errors == []


def ask(page: Page, question: str) -> Locator:
    """Types a question; returns its card, without waiting for the answer."""
    cards = page.get_by_role("article")
    before = cards.count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    return cards.nth(before)


def answered(page: Page, question: str) -> Locator:
    """Asks, and waits for the whole answer."""
    card = ask(page, question)
    expect(card.get_by_text("Why this answer")).to_be_visible()
    return card


def walk(page: Page, question: str) -> str:
    """From a question to a verdict, as on any server with documents; returns the document's text that it opened."""
    card = answered(page, question)
    expect(card).not_to_have_attribute("aria-busy", "true")
    card.get_by_text("Why this answer").click()
    for fact in ("Evidence", "Prompt", "Index generation", "Chain", "Answer id"):
        expect(card.get_by_role("term").filter(has_text=re.compile(f"^{fact}$"))).to_be_visible()
    card.locator(".why .source").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("region", name="Cited passage")).to_be_in_viewport()
    text = panel.inner_text()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    card.get_by_role("button", name="Helpful", exact=True).click()
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    return text


def test_the_walk(browser: Browser, request: pytest.FixtureRequest) -> None:
    """Here, or wherever RAGOPS_PAGE_URL points."""
    url, token = DEPLOYED, DEPLOYED_TOKEN
    if not url:
        url, token = request.getfixturevalue("served").server.url, TOKEN
    with browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"} if token else {}) as context:
        page = context.new_page()
        page.goto(url)
        example = page.locator("#examples button").first
        expect(example).to_be_visible()
        assert walk(page, example.inner_text())


def test_a_citation_opens_its_passage_in_the_document(opened: Open) -> None:
    page = opened()
    card = answered(page, OTTER)
    expect(card.locator("[data-part=answer]")).to_have_text(f"{EATS} 1.")  # [77], which the model made up, is gone
    expect(page.get_by_role("status").filter(has_text=f"Answer: {EATS}.")).to_have_count(1)
    citation = card.get_by_role("button", name=re.compile("^Source 1: The otter"))
    citation.click()
    panel = page.get_by_role("dialog", name="The otter")
    expect(panel.get_by_role("region", name="Cited passage")).to_contain_text(EATS)
    assert page.evaluate("[...CSS.highlights.get('statement')].map(String)") == [EATS]
    expect(panel).to_contain_text("What the otter does all day.")
    expect(panel.get_by_role("heading", name="The otter").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(citation).to_be_focused()
    page.get_by_role("button", name="New conversation").click()  # or it were a follow-up question
    card = answered(page, MONA_LISA)
    expect(card).to_contain_text("I cannot find the answer")
    expect(card).to_contain_text("no model was asked")


def test_a_passage_that_the_index_has_no_longer_is_shown_as_the_answer_used_it(opened: Open) -> None:
    page = opened()
    page.route(
        "**/passages/*", lambda route: route.continue_(url=re.sub("passages/.*", "passages/gone", route.request.url))
    )
    card = answered(page, OTTER)
    card.locator("button.citation").click()
    expect(page.get_by_role("dialog")).to_contain_text("The document cannot be shown.")
    expect(page.get_by_role("region", name="Cited passage")).to_contain_text(EATS)


def test_text_is_shown_as_it_is_written_until_it_is_stopped(opened: Open) -> None:
    page = opened()
    card = ask(page, ENDLESS)
    text = card.locator("[data-part=answer]")
    expect(text).to_contain_text("and then it swims on")
    first = len(text.inner_text())
    page.wait_for_function("([card, length]) => card.innerText.length > length", arg=[text.element_handle(), first])
    expect(card).to_have_attribute("aria-busy", "true")
    expect(page.locator("#announcer")).to_have_text("Searching the documents")  # not each piece
    page.get_by_role("button", name="Stop").click()
    expect(card.get_by_role("alert")).to_contain_text("Stopped.")
    expect(card.get_by_role("alert")).to_contain_text("incomplete, and its citations are not checked")
    expect(page.get_by_role("button", name="Ask")).to_be_visible()


def test_a_verdict_becomes_a_row_and_the_latest_one_counts(opened: Open, served: Served) -> None:
    page = opened()
    card = answered(page, OTTER)
    card.get_by_role("button", name="Not helpful").click()
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    card.get_by_label("Something is missing").check()
    card.get_by_label("Comment").fill('Which fish? <b>&\n"It\'s" 魚')
    card.get_by_role("button", name="Send").click()
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    expect(card.get_by_label("Comment")).to_be_hidden()
    up = card.get_by_role("button", name="Helpful", exact=True)
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(card.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "false")
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()

    answer_id = card.get_by_text(re.compile("^resp_")).text_content()
    files = [json.loads(file.read_text()) for file in (served.server.ledger / "feedback").glob("*.json")]
    given = sorted((one for one in files if one["answer_id"] == answer_id), key=lambda one: one["given_at"])
    bundle = served.server.bundle
    bundle.run("localbundle", "run", "collect_calls", "-t", "dev", "--params", f"schema={SCHEMA}")
    rows = bundle.sql(f"select * from {SCHEMA}.feedback where answer_id = '{answer_id}' order by given_at")
    for found in (given, rows):
        said = [(one["verdict"], one["reason"], one["comment"]) for one in found]
        assert said == [
            ("down", None, None),
            ("down", "incomplete", 'Which fish? <b>&\n"It\'s" 魚'),
            ("up", None, None),
        ]
    assert {row["question"] for row in rows} == {OTTER}


def sent(page: Page, path: str) -> list[Request]:
    """The requests to a path, from now on."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request) if request.url.endswith(path) else None)
    return requests


def test_a_busy_server_says_when_to_try_again(opened: Open, served: Served) -> None:
    page = opened()
    body = {"input": ENDLESS, "stream": True}
    with ExitStack() as others:
        read = []  # an iterator that nobody keeps closes its connection
        for _ in range(2):
            client = others.enter_context(httpx.Client(base_url=served.server.url, headers=AUTHORIZED, timeout=60))
            stream = others.enter_context(client.stream("POST", "/responses", json=body))
            read.append(stream.iter_lines())
            assert next(read[-1]).startswith("event: response.created")
        card = ask(page, OTTER)
        expect(card.get_by_role("alert")).to_contain_text("Too many questions are being answered right now.")
        expect(card.get_by_role("button", name=re.compile(r"^Try again in \d+ s$"))).to_be_disabled()
    answer = card.get_by_text("Why this answer")
    while not answer.is_visible():  # the server needs a moment to notice that the others have gone
        card.get_by_role("button", name="Try again", exact=True).click()
        expect(card).not_to_have_attribute("aria-busy", "true")
    expect(card).to_contain_text("4 fish")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "went wrong on the server"),
        (503, "not available right now"),
        (504, "took too long"),
        (502, "not reachable"),
    ],
)
def test_an_error_is_said_in_plain_words(opened: Open, status: int, said: str) -> None:
    page = opened()
    body = (
        json.dumps({"error": {"message": "thing: <b>reason</b>; fix"}}) if status != 502 else "<html>bad gateway</html>"
    )
    page.route("**/responses", lambda route: route.fulfill(status=status, body=body))
    alert = ask(page, OTTER).get_by_role("alert")
    expect(alert).to_contain_text(said)
    expect(alert).to_contain_text("thing: <b>reason</b>; fix" if status != 502 else "Try again")


def test_a_verdict_that_is_not_saved_is_kept_for_another_try(opened: Open) -> None:
    page = opened()
    verdicts = sent(page, "/feedback")
    full = json.dumps({"error": {"message": "volume ledger: no space left; free some"}})
    page.route("**/feedback", lambda route: route.fulfill(status=507, body=full), times=1)
    card = answered(page, OTTER)
    card.get_by_role("button", name="Not helpful").click()
    expect(card.get_by_text("Not saved. The server has no space left to save it.")).to_be_visible()
    card.get_by_role("button", name="Save again").click()
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    assert verdicts[0].post_data == verdicts[1].post_data


def test_a_token_is_asked_for(opened: Open) -> None:
    page = opened(token="")
    dialog = page.get_by_role("dialog", name="Access token")
    expect(dialog).to_contain_text("asks for an access token")
    for token, said in (("wrong", "did not accept this token"), (TOKEN, "")):
        dialog.get_by_label("Token").fill(token)
        dialog.get_by_role("button", name="Continue").click()
        if said:
            expect(dialog).to_contain_text(said)
    expect(page.get_by_role("button", name=OTTER)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name=OTTER)).to_be_visible()


def test_a_follow_up_question_is_sent_with_what_was_said_and_tabs_know_nothing_of_each_other(
    opened: Open, served: Served
) -> None:
    page = opened()
    other = page.context.new_page()
    other.goto(served.server.url)
    asked, asked_elsewhere = sent(page, "/responses"), sent(other, "/responses")
    answered(page, OTTER)
    answered(other, MONA_LISA)
    card = answered(page, BADGER)
    card.get_by_text("Why this answer").click()
    expect(card.get_by_text("How many fish does the badger eat before noon?")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("article")).to_have_count(0)
    page.get_by_role("button", name=OTTER).click()
    expect(page.get_by_text("Why this answer")).to_be_visible()
    said = [request.post_data_json["input"] for request in [*asked, *asked_elsewhere]]
    assert [[turn["content"] for turn in turns] for turns in said] == [
        [OTTER],
        [OTTER, f"{EATS} [1].", BADGER],
        [OTTER],
        [MONA_LISA],
    ]


def press_until(page: Page, key: str, wanted: Locator) -> None:
    """Moves the focus with a key until it is where it is wanted."""
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not reach {wanted}")


def test_everything_can_be_done_with_the_keyboard(opened: Open) -> None:
    page = opened()
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("How many fish does")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("the otter eat before noon?")
    page.keyboard.press("Enter")
    card = page.get_by_role("article").last
    expect(card.get_by_text("Why this answer")).to_be_visible()
    citation = card.locator("button.citation")
    press_until(page, "Shift+Tab", citation)
    assert citation.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    press_until(page, "Tab", page.get_by_role("region", name="Document"))
    page.keyboard.press("Escape")
    expect(citation).to_be_focused()
    press_until(page, "Tab", card.get_by_role("button", name="Not helpful"))
    page.keyboard.press("Space")
    press_until(page, "Tab", card.get_by_label("It is wrong"))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(card.get_by_label("Something is missing")).to_be_checked()
    press_until(page, "Tab", card.get_by_label("Comment"))
    page.keyboard.type("no")
    press_until(page, "Tab", card.get_by_role("button", name="Send"))
    page.keyboard.press("Enter")
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    expect(card.get_by_role("button", name="Add a comment")).to_be_focused()
    press_until(page, "Tab", card.locator("summary"))
    page.keyboard.press("Enter")
    press_until(page, "Tab", card.locator(".why .source").last)
    press_until(page, "Shift+Tab", page.get_by_role("button", name="New conversation"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_a_narrow_screen_needs_no_scrolling_sideways(opened: Open) -> None:
    page = opened(viewport={"width": 360, "height": 640})
    assert page.evaluate(SEEN)
    card = answered(page, LAYOUT)
    expect(card.get_by_role("table")).to_be_visible()
    card.get_by_text("Why this answer").click()
    card.get_by_role("button", name="Not helpful").click()
    expect(card.get_by_label("Comment")).to_be_visible()
    assert page.evaluate(SEEN)
    card.locator("button.citation").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("region", name="Cited passage")).to_be_in_viewport()
    assert page.evaluate(SEEN)
    assert panel.evaluate("element => element.matches(':modal')")
    page.set_viewport_size({"width": 1200, "height": 640})
    assert not panel.evaluate("element => element.matches(':modal')")
    expect(panel).to_be_visible()


def test_lists_tables_and_code_keep_their_form(opened: Open) -> None:
    answer = answered(opened(), LAYOUT).locator("[data-part=answer]")
    expect(answer.get_by_role("strong")).to_have_text("fish")
    expect(answer.locator("pre")).to_have_text(f"fish = ['{LONG_WORD}']")
    expect(answer.get_by_role("row")).to_have_text(["mealfish", f"noon{LONG_WORD}"])
    items = answer.locator("ol > li")
    expect(items).to_have_text(["first 1, not f(*args, **options)below", "then"])
    assert [items.nth(number).get_attribute("value") for number in range(2)] == ["2", "3"]
    expect(answer.locator("ol ul > li")).to_have_text("below")


def test_markup_and_scripts_are_text(opened: Open) -> None:
    page = opened()
    expect(page).to_have_title("python-reference")
    card = answered(page, PILOT)
    expect(card.get_by_role("heading", level=2)).to_have_text(PILOT)
    expect(card.locator("[data-part=answer]")).to_have_text(PILOT_ANSWER.replace("[1]", "1"))
    card.get_by_role("button", name="Source 1").click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=2)).to_have_text(PILOT_TITLE)
    expect(panel.get_by_text(PILOT_TEXT)).to_be_visible()
    expect(panel.get_by_role("cell", name="40")).to_be_visible()
    for place in (card, panel):
        expect(place.locator("img, script, b, i, a, iframe, svg:not([aria-hidden]), [onerror]")).to_have_count(0)
    assert page.title() == "python-reference"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing(opened: Open, scheme: str) -> None:
    """axe-core: names, roles, contrast (WCAG AA) and more, with everything open."""

    def check(page: Page) -> None:
        found = Axe().run(
            page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        )
        assert found.violations_count == 0, found.generate_report()

    page = opened(color_scheme=scheme)
    check(page)
    card = answered(page, LAYOUT)
    card.get_by_role("button", name="Not helpful").click()
    expect(card.get_by_text("Saved", exact=True)).to_be_visible()
    card.get_by_text("Why this answer").click()
    card.locator("button.citation").first.click()
    expect(page.get_by_role("region", name="Cited passage")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    answered(page, MONA_LISA)
    page.route("**/responses", lambda route: route.fulfill(status=503, body="{}"))
    expect(ask(page, OTTER).get_by_role("alert")).to_contain_text("not available")
    check(page)
    page.set_viewport_size({"width": 360, "height": 640})
    card.locator("button.citation").first.click()
    check(page)
    signing_in = opened(token="", color_scheme=scheme)
    expect(signing_in.get_by_role("dialog", name="Access token")).to_be_visible()
    check(signing_in)


def test_a_server_that_dies_loses_neither_question_nor_verdict(opened: Open, served: Served) -> None:
    page = opened()
    questions, verdicts = sent(page, "/responses"), sent(page, "/feedback")
    before = answered(page, OTTER)
    card = ask(page, ENDLESS)
    expect(card).to_contain_text("and then it swims on")
    served.server.kill()
    expect(card.get_by_role("alert")).to_contain_text("The connection to the server was lost.")
    before.get_by_role("button", name="Helpful", exact=True).click()
    expect(before.get_by_text("Not saved. The connection to the server was lost.")).to_be_visible()
    served.server.start()
    before.get_by_role("button", name="Save again").click()
    expect(before.get_by_text("Saved", exact=True)).to_be_visible()
    card.get_by_role("button", name="Try again").click()
    expect(card.locator("[data-part=error]")).to_be_empty()
    expect(card).to_contain_text("and then it swims on")
    page.get_by_role("button", name="Stop").click()
    first, again = verdicts
    assert first.post_data == again.post_data
    keys = [request.headers["idempotency-key"] for request in questions]
    assert keys[1] == keys[2] != keys[0]

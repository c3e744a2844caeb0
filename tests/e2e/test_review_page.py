"""The page for reviewers in a browser, in front of a real server over given passages; tests/e2e/test_page.py has the
page that asks.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ragops.platform.collected import parsed
from ragops.quality.review.files import JudgeSaid, ReviewItem, write_queue
from ragops.quality.review.rows import Label
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import Identity, always
from tests.support.browser import needs_chromium
from tests.support.chains import passage
from tests.support.reviews import a_queue, an_item
from tests.support.served import Shelved, listening, parts

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; make .venv/.dev")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

pytestmark = needs_chromium
SEEN = "document.documentElement.scrollWidth <= innerWidth"  # nothing to scroll sideways
WORD = "otter" * 40
FERRY = "The ferry leaves for the lighthouse island at twenty to eight.\n\n- It takes cars.\n- It takes dogs."
PILOT = (
    """The pilot boards at the seventh buoy <script>document.title = "passage"</script> <img src=x onerror=alert(1)>"""
)
PILOT_QUESTION = 'Who boards at the <i>seventh</i> buoy? <script>document.title = "question"</script>'
PILOT_ANSWER = "The pilot [1] <img src=x onerror=\"document.title='answer'\"> [read](javascript:alert(1))"
REASON = "No passage says <b>which</b> island."

Open = Callable[..., Page]
expect.set_options(timeout=60_000)  # milliseconds; a busy machine fails nothing


@dataclass
class Reviewing:
    """A server with answers to review, and its ledger volume."""

    url: str
    ledger: Path

    def waits(self, *items: ReviewItem, **fields: Any) -> None:
        write_queue(self.ledger, a_queue(items, **fields))

    @property
    def labels(self) -> dict[str, Label]:
        found = (parsed(Label, file.read_bytes()) for file in self.ledger.glob("labels/*"))
        return {one.judge: one for one in found if one}


@pytest.fixture
def reviewing(tmp_path: Path) -> Iterator[Reviewing]:
    rows = [passage(1, FERRY), passage(2, f"{WORD}\n\n| Fee | Crowns |\n|---|---|\n| {WORD} | 40 |"), passage(3, PILOT)]
    made = parts(tmp_path, Shelved(rows), always(Identity("jane", ())), Rules(local=False, token="secret"))
    evaluation = made.use_case.evaluation.model_copy(update={"reviewers": ("jane",)})
    made = replace(made, use_case=made.use_case.model_copy(update={"evaluation": evaluation}))
    with listening(made) as url:
        yield Reviewing(url, tmp_path)


@pytest.fixture
def opened(browser: Browser, reviewing: Reviewing) -> Iterator[Open]:
    """Opens the page in a tab of a new session; the test fails if a script of it fails or its policy is violated."""
    with ExitStack() as stack:
        errors: list[str] = []

        def opened(token: str = "secret", **settings: Any) -> Page:
            context = stack.enter_context(browser.new_context(**{"reduced_motion": "reduce"} | settings))
            context.add_init_script(f"sessionStorage.token ??= '{token}'" if token else "")
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: errors.append(f"dialog {dialog.message}"))
            page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
            page.goto(f"{reviewing.url}/review")
            return page

        yield opened
    assert errors == []


def ferry(**fields: Any) -> ReviewItem:
    """An answer from two passages, the first of which it cites."""
    known = {"passages": ("c1", "c2"), "numbers": (1, 2), "cited": ("c1",), "answer": "At twenty to eight [1]."}
    judge = JudgeSaid(judge="groundedness", verdict="no", good=False, reason=REASON)
    return an_item(**(known | {"judges": (judge,)} | fields))


def pilot() -> ReviewItem:
    return an_item(
        question=PILOT_QUESTION, answer=PILOT_ANSWER, passages=("c3",), numbers=(1,), cited=("c3",), reference=PILOT
    )


def choose(page: Page, dimension: str, opinion: str) -> None:
    page.get_by_role("group", name=dimension).get_by_role("radio", name=opinion).check()


def test_an_answer_is_labelled_and_then_the_judges_verdict_is_shown(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry(), ferry(question="A second one?"), labelled={"jane": 3})
    page = opened()
    expect(page.get_by_role("heading", name="When does the ferry leave?")).to_be_focused()
    expect(page.locator("#progress")).to_have_text("3 labelled by you, 2 to go")
    cited = page.get_by_role("listitem").filter(has_text="The ferry leaves")
    expect(cited).to_contain_text("cited")
    expect(page.get_by_role("listitem").filter(has_text=WORD).first.get_by_text("cited")).to_be_hidden()
    expect(page.get_by_text(REASON)).to_have_count(0)
    page.get_by_role("button", name="Passage 1: Title 1").click()
    expect(page.locator(".passages > li").first).to_be_focused()
    choose(page, "Support", "Good")
    choose(page, "Relevance", "Bad")
    page.get_by_label("Comment").fill("It says when.")
    page.get_by_role("button", name="Save").click()
    judges = page.get_by_role("region", name="What the judges said")
    expect(judges).to_contain_text("no, which counts as bad; you said good (different)")
    expect(judges).to_contain_text(REASON)
    expect(page.locator("#progress")).to_have_text("4 labelled by you, 1 to go")
    found = reviewing.labels
    assert {name: one.verdict for name, one in found.items()} == {"groundedness": "good", "answer_relevance": "bad"}
    assert {(one.reviewer, one.comment) for one in found.values()} == {("jane", "It says when.")}
    next_one = judges.get_by_role("button", name="Next answer")
    expect(next_one).to_be_focused()
    next_one.press("Enter")
    expect(page.get_by_role("heading", name="A second one?")).to_be_focused()


def test_the_keyboard_alone_labels_an_answer(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry())
    page = opened()
    expect(page.get_by_role("heading", name="When does the ferry leave?")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")  # from good to bad
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # as in any form
    next_one = page.get_by_role("button", name="Next answer")
    expect(next_one).to_be_focused()
    verdicts = {name: one.verdict for name, one in reviewing.labels.items()}
    assert verdicts == {"groundedness": "bad", "answer_relevance": "good"}
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text("No answer waits for you")


def test_a_choice_that_is_missing_is_asked_for_and_nothing_is_saved(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry())
    page = opened()
    choose(page, "Support", "Good")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("group", name="Relevance").get_by_role("radio", name="Good")).to_be_focused()
    assert reviewing.labels == {}


def test_what_is_skipped_comes_last(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry(question="First?"), ferry(question="Second?"))
    page = opened()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("heading", name="Second?")).to_be_focused()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("heading", name="First?")).to_be_focused()
    assert reviewing.labels == {}


def test_labels_that_were_not_saved_are_sent_again_under_the_same_ids(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry())
    page = opened()
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "labels" in request.url else None)
    page.route("**/review/labels", lambda route: route.abort())
    choose(page, "Support", "Good")
    choose(page, "Relevance", "Good")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not saved. The connection to the server was lost.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_focused()
    page.unroute("**/review/labels")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert len(sent) == 2 and sent[0] == sent[1]


def test_anybody_else_sees_the_reason_and_the_fix(opened: Open, reviewing: Reviewing) -> None:
    page = opened()
    expect(page.locator("#answer")).to_contain_text("No answer waits for you")
    page.route("**/review/queue", lambda route: route.fulfill(status=403, json={"error": {"message": "review: no"}}))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("You are not allowed to do this.")
    expect(page.get_by_role("alert")).to_contain_text("review: no")


def test_without_a_token_it_is_asked_for(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(ferry())
    page = opened(token="")
    page.get_by_role("textbox", name="Token").fill("secret")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="When does the ferry leave?")).to_be_visible()


def test_markup_and_scripts_are_shown_as_text(opened: Open, reviewing: Reviewing) -> None:
    reviewing.waits(pilot())
    page = opened()
    expect(page.get_by_role("heading", name=PILOT_QUESTION)).to_be_visible()
    expect(page.get_by_role("region", name="Passages")).to_contain_text(PILOT)
    expect(page.get_by_role("region", name="Right answer")).to_contain_text(PILOT)
    expect(page.get_by_role("region", name="Answer", exact=True)).to_contain_text("<img src=x onerror=")
    assert page.title() == "Review answers"
    assert page.locator("main img, main script, main i, main a").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_accessible_and_fits(opened: Open, reviewing: Reviewing, scheme: str, width: int, tmp_path: Path) -> None:
    reviewing.waits(ferry(reference="At 7:40."), pilot())
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.get_by_role("heading", name="When does the ferry leave?")).to_be_visible()
    for state in ("asked", "judged"):
        assert page.evaluate(SEEN)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        page.screenshot(path=tmp_path / f"{state}.png", full_page=True)
        if state == "asked":
            choose(page, "Support", "Good")
            choose(page, "Relevance", "Good")
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_role("region", name="What the judges said")).to_be_visible()

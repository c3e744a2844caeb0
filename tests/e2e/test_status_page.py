"""The status page in a browser: as a file, and behind a server with a token."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragops.monitoring.report.build import status_page
from ragops.monitoring.report.content import StatusPage
from ragops.monitoring.report.render import render
from ragops.serving.server.guard import Rules
from ragops.serving.server.status_files import Status, write_status
from tests.support.browser import needs_chromium
from tests.support.served import listening, parts
from tests.support.status_pages import (
    HOUR,
    NOW,
    a_finding,
    empty_system,
    findings,
    healthy_system,
    measures,
    steps,
    unreadable_system,
)

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; make .venv/.dev")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

pytestmark = needs_chromium
SEEN = "document.documentElement.scrollWidth <= innerWidth"  # nothing to scroll sideways
EVIL = "<script>document.title = 'evil'</script> <img src=x onerror=\"document.title='evil'\">" + "otter" * 40
expect.set_options(timeout=60_000)  # milliseconds; a busy machine fails nothing

Open = Callable[..., Page]


@cache
def page_of(state: str) -> StatusPage:
    """The page of a system in one of the states."""
    gone = a_finding(closed_at=NOW - 3 * HOUR)
    evil = a_finding(title=EVIL, details=EVIL, cause=EVIL, action=EVIL, command=EVIL)
    worse = measures(np.random.default_rng(1), "recall_at_5")
    pages: dict[str, Callable[[], StatusPage]] = {
        "green": lambda: status_page(healthy_system(), [], [gone], where="main.rag"),
        "red": lambda: status_page(healthy_system(metrics=worse), [*findings(), evil], [gone], steps(), "main.rag"),
        "empty": lambda: status_page(empty_system(), []),
        "unreadable": lambda: status_page(unreadable_system(), [a_finding(check="source_unreadable")]),
    }
    return pages[state]()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page in a tab of a new session; the test fails if a script fails or its policy is violated."""
    with ExitStack() as stack:
        errors: list[str] = []

        def opened(url: str, **settings: Any) -> Page:
            context = stack.enter_context(browser.new_context(**settings))
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
            page.goto(url)
            return page

        yield opened
    assert errors == []


@pytest.mark.parametrize("state", ["green", "red", "empty", "unreadable"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_wide_and_narrow(state: str, scheme: str, opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "status.html"
    file.write_text(render(page_of(state)))
    for width in (1000, 400):
        page = opened(f"file://{file}", color_scheme=scheme, viewport={"width": width, "height": 900})
        assert page.evaluate(SEEN), f"scrolls sideways at {width}"
        assert "evil" not in page.title()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def served(folder: Path, state: str, late: bool = False, token: str = "") -> Any:
    page, now = page_of(state), datetime.now(UTC)
    status = Status(
        state=page.state, verdict=page.verdict, sentence=page.sentence, measured_at=now - 3 * HOUR,
        stale_after=now + (-HOUR if late else HOUR),
    )  # fmt: skip
    write_status(folder / "indexes", status, render(page))
    return listening(parts(folder, rules=Rules(token, local=False)))


def test_the_chat_page_leads_to_it_and_back(opened: Open, tmp_path: Path) -> None:
    with served(tmp_path, "green") as url:
        page = opened(url)
        page.get_by_role("link", name="Status").click()
        expect(page.get_by_text("All well")).to_be_visible()
        expect(page.get_by_text("Measured 3 hours ago.")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        page.get_by_role("link", name="Ask a question").click()
        expect(page.get_by_role("textbox", name="Your question")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_that_is_too_old_is_amber(scheme: str, opened: Open, tmp_path: Path) -> None:
    with served(tmp_path, "green", late=True) as url:
        page = opened(f"{url}/status", color_scheme=scheme, viewport={"width": 400, "height": 900})
        expect(page.locator(".age.stale")).to_contain_text("A newer page has been due for 60 minutes")
        assert Axe().run(page).violations_count == 0 and page.evaluate(SEEN)


def test_with_a_token_the_page_asks_for_it_once(opened: Open, tmp_path: Path) -> None:
    with served(tmp_path, "red", token="secret") as url:
        page = opened(f"{url}/status")
        for token in ("wrong", "secret"):
            page.get_by_label("Token", exact=True).fill(token)
            page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Needs attention")).to_be_visible()
        page.reload()
        expect(page.get_by_text("Needs attention")).to_be_visible()


def test_who_has_no_token_sees_nothing(opened: Open, tmp_path: Path) -> None:
    with served(tmp_path, "red", token="secret") as url:
        page = opened(f"{url}/status")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("Without an access token")
        assert "Needs attention" not in page.content() and Axe().run(page).violations_count == 0


def test_a_server_that_was_never_monitored_says_how_to_begin(opened: Open, tmp_path: Path) -> None:
    with listening(parts(tmp_path, rules=Rules(local=False))) as url:
        page = opened(f"{url}/status", viewport={"width": 400, "height": 900})
        expect(page.get_by_role("heading", name="Not monitored yet")).to_be_visible()
        assert Axe().run(page).violations_count == 0 and page.evaluate(SEEN)

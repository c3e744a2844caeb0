"""Makes the pictures of the README from a real run and real answers: python -m tests.docs.pictures, after make demo.

Needs Chromium, as tests/e2e/test_lab.py does.
"""

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from ragops import load_usecase, open_workspace
from ragops.answers.chain.html import Exchange, answers_html
from ragops.answers.prompts.template_files import load_templates
from ragops.assembly import Locations
from ragops.quality.evaluation.comparison import ask_each
from ragops.quality.evaluation.variants import Chains, Variant

FOLDER = Path(__file__).parents[2] / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUESTIONS = ("Is it the comma or the parentheses that make a tuple?", "Who painted the Mona Lisa?")
_PAGE = "<!doctype html><meta charset='utf-8'><body style='font: 15px system-ui, sans-serif; margin: 16px'>{}</body>"
_WIDTH = 1000


def main() -> int:
    """Writes answer.png, run.png and page.png."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        print("no browser is installed; apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": 400})
        page.set_content(_PAGE.format(answers_html(_exchanges())))
        page.add_style_tag(content="article:nth-of-type(n+2) .source:nth-of-type(n+2) { display: none !important }")
        _picture(page, "answer.png")
        page.goto(_last_refresh().as_uri())
        page.add_style_tag(content="dl { display: none }")  # parameters name folders of this machine
        _picture(page, "run.png")
        with _served() as url:
            _ask(page, url)
            _picture(page, "page.png")
        browser.close()
    return 0


def _exchanges() -> list[Exchange]:
    use_case, locations = load_usecase(), Locations.of(open_workspace("dev"))
    templates = load_templates(use_case.prompts, use_case.folder)
    quotes = replace(Variant.of_use_case(use_case), llm="quotes")
    return ask_each(Chains(use_case, templates, locations), quotes, QUESTIONS)


@contextmanager
def _served() -> Iterator[str]:
    """The address of `ragops serve`, which quotes the documents."""
    command = [Path(sys.executable).with_name("ragops"), "serve", "--working-copy", "--model", "quotes", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        yield next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
    finally:
        server.terminate()
        server.communicate()


def _ask(page: Page, url: str) -> None:
    """The page with an answer, and its passage open in the document."""
    page.set_viewport_size({"width": _WIDTH, "height": 560})
    page.goto(url)
    page.get_by_label("Your question").fill(QUESTIONS[0])
    page.keyboard.press("Enter")
    page.locator("button.citation").first.click()
    page.get_by_role("region", name="Cited passage").wait_for()
    page.locator("#user").evaluate("element => (element.textContent = '')")  # who made the picture


def _last_refresh() -> Path:
    """The page of the newest run of target dev that has all tasks of the refresh."""
    pages = [
        page for page in Path(".localbundle/dev/runs").glob("*/index.html") if "publish" in page.read_text("utf-8")
    ]
    return max(pages, key=lambda page: int(page.parent.name)).resolve()


def _picture(page: Page, name: str) -> None:
    """A few colors are enough, and a third of the bytes."""
    shown = Image.open(io.BytesIO(page.screenshot(full_page=name != "page.png"))).convert("RGB")
    shown.quantize(64, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    print(f"wrote {name}, {(FOLDER / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())

"""The page in Chromium on this machine, in front of `ragops serve` with the model `quotes` over three notes.

Run `python -m tests.bench.page`; it prints the figures and, with `--json FILE`, writes them. Each figure is the least
of several, each in a new session without a cache: how long until a question can be typed and the examples are there,
then until the first words of its answer, and until the whole answer with its sources is shown.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Browser, sync_playwright

from tests.support.notes_index import publish_notes
from tests.support.serve_command import HERON, serving, write_record, write_usecase

REPEATS = 10
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# In the page's own time, so that Playwright's polling does not count.
_USABLE = "() => !document.querySelector('#examples').hidden && performance.now()"
_FIRST = "() => document.querySelector('[data-part=answer]')?.hasChildNodes() && performance.now()"
_WHOLE = "() => document.querySelector('.feedback') && performance.now()"


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> dict[str, float]:
    """Returns {usable_s, first_words_s, whole_answer_s}."""
    browser_path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser_path is None:
        print("no browser is installed; apt-get install chromium", file=sys.stderr)
        raise typer.Exit(1)
    with tempfile.TemporaryDirectory(prefix="bench-page-") as folder, sync_playwright() as playwright:
        home = Path(folder)
        os.environ["LOCALBUNDLE_HOME"] = str(home)
        write_record(home)
        publish_notes(home / "work")
        options = write_usecase(home / "usecase.yml", examples=[HERON["input"]])
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        with serving(home, "--working-copy", "--model", "quotes", *options) as server:
            tries = [_once(browser, server.url) for _ in range(REPEATS)]
        browser.close()
    figures = {name: round(min(one[name] for one in tries), 3) for name in tries[0]}
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def _once(browser: Browser, url: str) -> dict[str, float]:
    """One visit and one question."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url, wait_until="commit")
        usable = page.wait_for_function(_USABLE, polling=5).json_value()
        page.get_by_label("Your question").fill(HERON["input"])
        asked = page.evaluate("document.querySelector('#ask').requestSubmit(), performance.now()")
        first = page.wait_for_function(_FIRST, polling=5).json_value()
        whole = page.wait_for_function(_WHOLE, polling=5).json_value()
    return {
        "usable_s": usable / 1000,
        "first_words_s": (first - asked) / 1000,
        "whole_answer_s": (whole - asked) / 1000,
    }


if __name__ == "__main__":
    typer.run(main)

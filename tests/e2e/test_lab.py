"""JupyterLab in a browser: notebooks opened in Chromium and run from top to bottom, without any other host."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from localbundle.workspace.server import Server

from tests.e2e.bundles import REPOSITORY, Bundle, copy_bundle, write_notes
from tests.support.browser import launched, needs_chromium

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; make .venv/.dev")
from playwright.sync_api import Page, expect  # noqa: E402

pytestmark = needs_chromium
HERE = re.compile(r"(http|ws)://127\.0\.0\.1|data:|blob:")
SECOND = 1000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle with copies of its notebooks, since JupyterLab saves them, and a few documents for its refresh job."""
    copy = copy_bundle(tmp_path_factory.mktemp("lab"))
    for name in ("notebooks", "resources"):
        (copy.root / name).unlink()
        shutil.copytree(REPOSITORY / name, copy.root / name)
    landing = copy.home / "Volumes/spark_catalog" / copy.schema() / "landing"
    landing.mkdir(parents=True)
    write_notes(landing)
    return copy


@pytest.fixture(scope="module")
def address(bundle: Bundle) -> Iterator[str]:
    """JupyterLab; Ctrl-C stops it, its kernels and the Spark that it started."""
    command = bundle.command("localbundle", "lab", "-t", "dev", "--no-browser")
    lab = subprocess.Popen(command, cwd=bundle.root, stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    try:
        yield next(found[0] for line in lab.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        lab.send_signal(signal.SIGINT)
        assert lab.wait(60) == 0
    assert Server(bundle.home).state() is None


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """A page that sends requests only to this machine."""
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 2400})
        page.on("dialog", lambda dialog: dialog.accept())  # closing an unsaved notebook
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        yield page
    assert [url for url in requested if not HERE.match(url)] == []


def open_and_run(page: Page, address: str, notebook: str) -> None:
    """Opens a notebook and starts to run all its cells."""
    base, token = address.split("?")
    page.goto(f"{base}/workspaces/{Path(notebook).stem}/tree/{notebook}?{token}")
    expect(page.get_by_text("local workspace | Idle")).to_be_visible(timeout=60 * SECOND)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("[data-command='runmenu:run-all']").click()


def run_all(page: Page, address: str, notebook: str, seconds: int) -> None:
    """Opens a notebook, runs all its cells and waits for the last one."""
    open_and_run(page, address, notebook)
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=seconds * SECOND)
    expect(page.locator("[data-mime-type='application/vnd.jupyter.error']")).to_have_count(0)


def test_notebooks_run_from_top_to_bottom_up_to_a_plot(page: Page, address: str) -> None:
    run_all(page, address, "ingest_documents.ipynb", 240)
    expect(page.get_by_text("Values of task ingest of job refresh, target dev.")).to_be_visible()
    expect(page.locator(".widget-text input").first).to_have_value("spark_catalog")
    expect(page.get_by_text(re.compile(r"^24 texts to embed"))).to_be_visible()
    for notebook in ("refresh_embeddings", "publish_index", "smoke_write_corpus", "collect_calls"):
        run_all(page, address, f"{notebook}.ipynb", 240)
    for notebook in ("register_model", "evaluate_release", "promote_model"):
        run_all(page, address, f"{notebook}.ipynb", 240)
    open_and_run(page, address, "smoke_check_search.ipynb")
    expect(page.get_by_text("nothing is published here yet: run the job smoke").first).to_be_visible(
        timeout=60 * SECOND
    )
    run_all(page, address, "explore_data.ipynb", 480)
    expect(page.locator(".jp-OutputArea img, .jp-OutputArea svg").first).to_be_visible()
    run_all(page, address, "prototype_rag.ipynb", 240)
    expect(page.locator(".ragops article").first).to_be_visible()


TRIED = (
    'dbutils.widgets.dropdown("rows", "3", ["3", "2000"], "Rows")',
    'rows = int(dbutils.widgets.get("rows"))\nprint(f"{rows} rows requested")\n'
    'display(spark.range(rows).selectExpr("id", "concat(\'kind \', id % 2) AS kind"))',
    "%%sql\nSELECT 'found' AS word",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);\nprint(_sqldf.columns)",
)


@pytest.fixture
def tried(bundle: Bundle) -> str:
    cells = [nbformat.v4.new_code_cell(source) for source in TRIED]
    kernel = {"name": "local-workspace", "display_name": "local workspace", "language": "python"}
    file: Path = bundle.root / "notebooks/tried.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), file)
    return file.name


def test_a_changed_widget_runs_its_cells_again_and_tables_have_charts(page: Page, address: str, tried: str) -> None:
    run_all(page, address, tried, 60)
    expect(page.get_by_text("3 rows requested", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="found")).to_be_visible()
    expect(page.get_by_text("['word']")).to_be_visible()
    expect(page.locator(".jp-RenderedImage img")).to_be_visible()

    page.locator(".widget-dropdown select").first.select_option("2000")
    expect(page.get_by_text("2000 rows requested", exact=True)).to_be_visible()
    expect(page.get_by_text("3 rows requested", exact=True)).to_have_count(0)
    expect(page.get_by_text("the first 1,000 rows")).to_be_visible(timeout=30 * SECOND)

    page.get_by_role("tab", name="Chart").first.click()
    expect(page.locator("img.widget-image").first).to_have_attribute("src", re.compile("^blob:"))

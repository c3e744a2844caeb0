import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from localbundle.kernels.failure import Failure, brief_message
from localbundle.kernels.output import Output
from localbundle.runs.graph import HEIGHT, layout
from localbundle.runs.html import write_notebook_page, write_run_page
from localbundle.runs.record import RunRecord, TaskRecord

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
WIDTH = 150.0


def task(key: str, *depends_on: str, state: str = "SUCCESS", seconds: float = 1.5, **fields) -> TaskRecord:
    ran = state not in ("BLOCKED", "EXCLUDED", "UPSTREAM_FAILED", "DISABLED")
    times = {"started": START, "ended": START + timedelta(seconds=seconds), "attempts": 1} if ran else {}
    kind = fields.pop("kind", "notebook_task")
    return TaskRecord(task_key=key, kind=kind, depends_on=depends_on, state=state, **{**times, **fields})


def run(*tasks: TaskRecord, **fields) -> RunRecord:
    result = {"job": "refresh", "name": "refresh", "parameters": {}, "state": "SUCCESS"} | fields
    return RunRecord(
        run_id=7,
        target="dev",
        pid=1,
        process_started=0.0,
        started=START,
        ended=START + timedelta(seconds=125),
        tasks={one.task_key: one for one in tasks},
        **result,
    )


def page(folder: Path, record: RunRecord) -> BeautifulSoup:
    return BeautifulSoup(write_run_page(folder, record).read_text("utf-8"), "lxml")


def words(element) -> str:
    return " ".join(element.get_text(" ").split())


def failure(message: str, **fields) -> Failure:
    result = {"exception": "ValueError", "cell": 3, "line_number": 2, "line": "f(x)", "one_line": False} | fields
    return Failure(message=message, **result)


def test_a_page_tells_job_target_state_times_and_parameters(tmp_path) -> None:
    seen = page(tmp_path, run(task("a"), parameters={"full": "true", "since": ""}, repairs=2))
    assert words(seen.header) == (
        "dev · run 7 · repaired 2× refresh ✓ success · 2 min 05 s · started "
        f"{START.astimezone():%Y-%m-%d %H:%M:%S %Z} full true since"
    )
    assert seen.find(id="failures") is None


def test_a_box_links_to_the_notebooks_page_or_to_the_child_run_if_there_is_one(tmp_path) -> None:
    for name in ("a.ipynb", "a.html", "b.ipynb"):
        (tmp_path / name).touch()
    child = task("c", "a", "b", kind="run_job_task", child_run=12, source="serve")
    seen = page(tmp_path, run(task("a", seconds=61), task("b"), child))
    boxes = {box.title.get_text().split(":")[0]: box for box in seen.svg.find_all("a")}
    assert {key: box.get("href") for key, box in boxes.items()} == {"a": "a.html", "b": None, "c": "../12/index.html"}
    assert [words(text) for text in boxes["a"].find_all("text")] == ["✓", "a", "notebook · 1 min 01 s"]
    assert len(seen.svg.find_all("path")) == 2
    links = [[(link.get_text(), link["href"]) for link in row.find_all("a")] for row in seen.tbody.find_all("tr")]
    assert links == [
        [("notebook", "a.html"), ("ipynb", "a.ipynb")],
        [("ipynb", "b.ipynb")],
        [("run 12", "../12/index.html")],
    ]


def test_a_row_tells_tries_exit_outcome_values_and_why_a_task_was_skipped(tmp_path) -> None:
    seen = page(
        tmp_path,
        run(
            task("a", attempts=3, exit='{"rows": 4}', message='{"rows": 4}', values={"n": 4, "s": "ä"}),
            task("if", "a", kind="condition_task", outcome="false", message="4 GREATER_THAN 9: false"),
            task("b", "if", state="EXCLUDED", message="if is false"),
        ),
    )
    time = f"{START.astimezone():%H:%M:%S}"
    assert [words(row) for row in seen.tbody.find_all("tr")] == [
        f'a notebook ✓ success 3 {time} 1.5 s exit {{"rows": 4}} n 4 s "ä"',
        f"if condition ✓ success 1 {time} 1.5 s outcome false 4 GREATER_THAN 9: false",
        "b notebook – excluded if is false",
    ]


def test_iterations_stand_under_their_task_and_only_in_the_table(tmp_path) -> None:
    loop, after = task("each", kind="for_each_task", message="2 iterations"), task("z", "each")
    seen = page(tmp_path, run(loop, after, task("each.0", parent="each"), task("each.1", parent="each")))
    rows = [(words(row.find(class_="key")), "iteration" in row["class"]) for row in seen.tbody.find_all("tr")]
    assert rows == [("each", False), ("each.0", True), ("each.1", True), ("z", False)]
    assert len(seen.svg.find_all("rect")) == 2


def test_what_failed_by_itself_stands_first_with_cell_and_line_but_no_java_stack(tmp_path) -> None:
    why = failure("first\n\nJVM stacktrace:\norg.E\n\tat org.x")
    tasks = (
        task("ok"),
        task("each", kind="for_each_task", state="FAILED", message="2 iterations, 1 failed"),
        task("b", "each", state="UPSTREAM_FAILED", message="each FAILED"),
        task("wheel", state="FAILED", failure=failure("x", file="/w/run.py", one_line=True)),
        task("job", kind="run_job_task", state="FAILED", child_run=8, source="serve", failure=failure("y")),
        task("late", state="TIMEDOUT", message="stopped after its timeout of 5 s"),
        task("each.0", parent="each", state="FAILED", failure=why, source="/w/notebooks/n.py"),
    )
    seen = page(tmp_path, run(*tasks, state="FAILED"))
    assert [words(article) for article in seen.find_all("article")] == [
        "each.0 ✗ failed ValueError: first n.py, cell 3, line 2 f(x)",
        "wheel ✗ failed x /w/run.py, line 2 f(x)",
        "job ✗ failed run 8 ValueError: y job serve, cell 3, line 2 f(x)",
        "late ✗ timedout stopped after its timeout of 5 s",
    ]
    assert [section["id"] for section in seen.find_all("section")] == ["failures", "graph", "tasks"]
    assert "JVM" not in seen.get_text()


def test_what_others_wrote_is_text_and_the_page_needs_nothing_from_outside(tmp_path) -> None:
    name = f'"><{SCRIPT}'.replace("/", "")
    (tmp_path / f"{name}.html").touch()
    broken = task(name, state="FAILED", message=SCRIPT, exit=SCRIPT, values={SCRIPT: [SCRIPT]}, outcome=SCRIPT)
    raised = task("r", state="FAILED", failure=failure(SCRIPT, line=SCRIPT, file=SCRIPT, exception=SCRIPT))
    seen = page(tmp_path, run(broken, raised, name=SCRIPT, parameters={SCRIPT: SCRIPT}, state="FAILED"))
    assert seen.find("script") is None
    assert seen.h1.get_text() == SCRIPT
    assert seen.find("dd", string=SCRIPT) is not None
    assert {f"outcome {SCRIPT}", f"exit {SCRIPT}", f"{SCRIPT}: {SCRIPT}", SCRIPT} < {
        words(pre) for pre in seen.find_all("pre")
    }
    allowed = {"class", "id", "lang", "href", "content", "http-equiv", "charset", "name", "datetime"}
    drawn = {"width", "height", "viewbox", "role", "aria-label", "tabindex", "rx", "x", "y", "d", "transform"}
    assert {attribute for tag in seen.find_all() for attribute in tag.attrs} <= allowed | drawn
    assert seen.svg.a["href"].startswith("%22%3E%3C%3Cscript")
    assert not re.findall(r"https?:", str(seen))


@pytest.mark.parametrize("message", ["at least one x is needed", "at first\n\tat org.x"])
def test_a_message_that_begins_like_a_line_of_javas_stack_is_kept(message) -> None:
    assert brief_message(failure(message)) == f"ValueError: {message.splitlines()[0]}"


@st.composite
def graphs(draw) -> dict[str, list[str]]:
    size = draw(st.integers(1, 25))
    some = [st.lists(st.integers(0, number - 1), unique=True, max_size=4) for number in range(1, size)]
    return {"0": []} | {str(number): [str(one) for one in draw(keys)] for number, keys in enumerate(some, 1)}


@given(graphs())
def test_edges_go_from_left_to_right_and_neither_boxes_nor_lines_run_over_a_box(dependencies) -> None:
    graph = layout(dependencies, WIDTH)
    assert {(edge.source, edge.target) for edge in graph.edges} == {
        (source, key) for key, sources in dependencies.items() for source in sources
    }
    for edge in graph.edges:
        assert all(x < to_x for (x, _), (to_x, _) in pairwise(edge.points))
        assert edge.points[0][0] == graph.boxes[edge.source][0] + WIDTH
        assert edge.points[-1] == (graph.boxes[edge.target][0], graph.boxes[edge.target][1] + HEIGHT / 2)
    places = sorted(graph.boxes.values())
    for (x, y), (other_x, other_y) in pairwise(places):
        assert x + WIDTH < other_x or (x == other_x and y + HEIGHT < other_y)
    for x, y in places:
        assert 0 <= x <= graph.width - WIDTH and -1e-6 <= y <= graph.height - HEIGHT + 1e-6
        passing = [line_y for edge in graph.edges for line_x, line_y in edge.points[1:-1] if line_x == x]
        assert not any(y < line_y < y + HEIGHT for line_y in passing)


def notebook(folder: Path, *outputs, markdown: str = "") -> BeautifulSoup:
    cells = [nbformat.v4.new_markdown_cell(markdown), nbformat.v4.new_code_cell("f(x)", outputs=list(outputs))]
    path = folder / "each.0.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    written = write_notebook_page(path)
    assert written == folder / "each.0.html"
    return BeautifulSoup(written.read_text("utf-8"), "lxml")


def test_a_notebooks_page_is_one_file_that_fetches_nothing_and_runs_no_script(tmp_path) -> None:
    (tmp_path / "p.png").write_bytes(b"picture")
    data = {"text/html": f"<table><tr><td>{SCRIPT}</td></tr></table>", "text/plain": "t"}
    table, text = nbformat.v4.new_output("display_data", data=data), nbformat.v4.new_output("stream", text=SCRIPT)
    picture = nbformat.v4.new_output("display_data", data={"image/png": "cGljdHVyZQ=="})
    raised = nbformat.v4.new_output("error", ename="E", evalue="e", traceback=[f"\x1b[31mE\x1b[0m {SCRIPT}"])
    seen = notebook(tmp_path, table, text, picture, raised, markdown="# Title\n\n![p](p.png) $x$")
    assert "script-src" not in (policy := seen.find("meta", {"http-equiv": True})["content"])
    assert policy.startswith("default-src 'none'")
    assert [str(script) for script in seen.find_all("script")] == [SCRIPT]  # in the cell that shows HTML: it is inert
    assert [pre.get_text().strip() for pre in seen.find_all("pre")[-2:]] == [SCRIPT, f"E {SCRIPT}"]
    assert [image["src"][:15] for image in seen.find_all("img")] == ["data:image/png;", "data:image/png;"]
    assert seen.select("[src^=http], link, [href^=http]") == []
    assert not re.search(r"@import|url\((?!data:)", str(seen))
    assert seen.nav.a["href"] == "index.html"
    assert words(seen.nav) == f"← run {tmp_path.name}"
    assert seen.title.get_text() == "each.0"
    assert "prefers-color-scheme: dark" in str(seen.head)


def test_the_page_shows_the_rows_of_sql_tasks(tmp_path: Path) -> None:
    output = Output(columns=("city", SCRIPT), rows=tuple((SCRIPT, n or None) for n in range(25)))
    soup = page(tmp_path, run(task("report", kind="sql_task", output=output), task("other", "report")))
    (result,) = soup.select("#results .result")
    assert words(result.p) == "report 25 rows, the first 20"
    assert [words(row) for row in result.select("tr")][:3] == [f"city {SCRIPT}", f"{SCRIPT} NULL", f"{SCRIPT} 1"]
    assert len(result.select("tbody tr")) == 20
    assert not soup.select("script")
    assert not page(tmp_path, run(task("a"))).select("#results")

"""1,000 verdicts from 50 sessions while the server is killed 20 times: how many rows there are, and how many are right.

Run `python -m tests.bench.feedback_kills`; it prints the figures and, with `--json FILE`, writes them. The server is
real, over a scripted chain; a session sends a request again until it is answered, as the page does. Then the stages of
the job collect_calls move everything to tables.
"""

import json
import os
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner
from localbundle.workspace.server import Server
from pyspark.sql import Row

from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback_sessions import Sessions, judge_while_killed, killed_server

SEED = 20_261_130


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    verdicts: Annotated[int, typer.Option(help="Number of verdicts.")] = 1_000,
    sessions: Annotated[int, typer.Option(help="How many people give them at once.")] = 50,
    kills: Annotated[int, typer.Option(help="How often the server is killed.")] = 20,
) -> dict[str, object]:
    """Returns {verdicts, sessions, kills, repeated, rows, right, doubled, answers, seconds}."""
    with tempfile.TemporaryDirectory(prefix="bench-feedback-") as folder:
        server, owner = Server(Path(folder) / "workspace"), new_owner()
        with guarded(Path(folder) / "workspace", owner):
            state = server.use(lambda note: None, owner=owner)
            os.environ |= server.environment(state)
            workspace = Workspace("spark_catalog", "feedback")
            workspace.create_schema()
            began = time.perf_counter()
            with killed_server(workspace.volume(LEDGER), _free_port()) as killed:
                found = judge_while_killed(killed, sessions, verdicts, kills, SEED)
            figures: dict[str, object] = {"verdicts": len(found.sent), "sessions": sessions, "kills": found.kills}
            figures |= {"repeated": found.repeated, "seconds": time.perf_counter() - began}
            figures |= collected(workspace, found)
            workspace.spark.stop()
            server.release()
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def collected(workspace: Workspace, found: Sessions) -> dict[str, object]:
    """Rows of the table, those with the content and the answer that was sent, and ids that are there twice."""
    merge_answers(workspace).show()
    merge_feedback(workspace).show()
    rows = FEEDBACK.read(workspace).collect()
    times = Counter(row["verdict_id"] for row in rows)
    return {
        "rows": len(rows),
        "right": sum(_is_right(row, found.sent.get(row["verdict_id"])) for row in rows),
        "doubled": sum(count > 1 for count in times.values()),
        "answers": ANSWERS.read(workspace).count(),
    }


def _is_right(row: Row, sent: dict[str, Any] | None) -> bool:
    if sent is None:
        return False
    comment = sent["comment"].strip() if sent["comment"] else None
    same = all(row[name] == sent[name] for name in ("answer_id", "verdict", "reason"))
    return same and row["comment"] == comment and bool(row["known_answer"])


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


if __name__ == "__main__":
    typer.run(main)

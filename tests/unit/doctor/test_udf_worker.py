"""What a UDF reports, called as Spark's worker calls it; its module can be loaded without ragops."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ragops.doctor import udf_worker
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[3]
MODEL = load_usecase(ROOT / "usecase.yml").embedding.model_dump_json()


def batches() -> Iterator[pd.DataFrame]:
    yield pd.DataFrame({"id": [0]})


def rows(landing: Path, model: str = MODEL, parses: bool = True) -> dict[str, tuple[str, str, str]]:
    (frame,) = udf_worker.look(batches(), str(landing), model, parses)
    return {what: (found, state, to_do) for what, found, state, to_do in frame.itertuples(index=False)}


def test_on_this_machine_everything_works(tmp_path: Path) -> None:
    found = rows(tmp_path)
    assert {what for what, (_, state, _) in found.items() if state != "ok"} == set()
    assert found["parsers"][0].startswith("parse in a child process")
    assert found["landing folder"][0] == f"0 entries in {tmp_path}"


@pytest.mark.parametrize(("parses", "state"), [(True, "missing"), (False, "unknown")])
def test_what_parsers_need_counts_as_missing_only_where_udfs_parse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: bool, state: str
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    monkeypatch.setattr(udf_worker, "parse_one", lambda: "parse")
    found = rows(tmp_path / "nowhere", parses=parses)
    assert found["landing folder"][1] == found["child process"][1] == state
    assert found["memory"][1] == "ok"


def test_a_missing_model_is_reported_but_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udf_worker, "parse_one", lambda: "parse")
    model = load_usecase(ROOT / "usecase.yml").embedding.model_copy(update={"source": str(tmp_path)})
    assert rows(tmp_path, model.model_dump_json())["tokenizer"][1] == "unknown"


def test_top_level_imports_exist_in_every_worker() -> None:
    tree = ast.parse(Path(str(udf_worker.__file__)).read_text())
    named = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    named += [str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names | {"pandas"}


def test_a_child_process_allocates_memory() -> None:
    (frame,) = udf_worker.allocate(batches(), 3)
    assert list(frame["found"]) == ["a child process allocated 3 MiB"]

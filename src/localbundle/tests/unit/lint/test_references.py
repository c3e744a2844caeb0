from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.bundle import Bundle
from localbundle.definitions.references import split_path
from localbundle.lint.references import needs_backticks, not_upstream, undeclared_parameter, unknown_member
from localbundle.lint.rule import JobContext

RULES = (needs_backticks, not_upstream, undeclared_parameter, unknown_member)
# Each task with the numbers of the tasks it depends on; cycles and self-references must not break it.
graphs = st.integers(1, 7).flatmap(
    lambda size: st.lists(st.sets(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size)
)
keys = st.text(st.characters(exclude_characters=".`{}", exclude_categories=["Z", "C"]), min_size=1)


def job(tasks: list[dict], parameters: tuple[str, ...] = ()) -> JobContext:
    bundle = Bundle(Path("/bundle"), "tiny", "dev", {}, {})
    return JobContext(bundle, "x", {"tasks": tasks, "parameters": [{"name": name} for name in parameters]})


def reading(key: str, text: str, depends_on: set[str] = frozenset()) -> dict:
    edges = [{"task_key": other} for other in sorted(depends_on)]
    return {"task_key": key, "depends_on": edges, "notebook_task": {"base_parameters": {"value": text}}}


@given(graphs, st.data())
def test_a_value_is_readable_exactly_where_a_path_leads_back_to_its_task(graph, data) -> None:
    reader, read = (data.draw(st.integers(0, len(graph) - 1)) for _ in range(2))
    upstream: set[int] = set()
    for _ in graph:  # the longest path has as many steps as there are tasks
        upstream |= graph[reader] | {far for near in upstream for far in graph[near]}
    tasks = [
        reading(f"t{number}", f"{{{{tasks.t{read}.values.v}}}}" if number == reader else "", {f"t{n}" for n in edges})
        for number, edges in enumerate(graph)
    ]
    assert bool(list(not_upstream(job(tasks)))) == (read not in upstream)


@given(keys, keys)
def test_what_is_written_with_backticks_needs_no_fix_and_the_fix_reads_the_same_keys(task, value) -> None:
    bare = f"tasks.{task}.values.{value}"
    messages = list(needs_backticks(job([reading("t", f"{{{{{bare}}}}}")])))
    if split_path(bare) is None:
        fix = messages[0][1].split("write {{")[1].removesuffix("}}")
        assert split_path(fix) == ("tasks", task, "values", value)
        assert not list(needs_backticks(job([reading("t", f"{{{{{fix}}}}}")])))
    else:
        assert not messages


@given(st.text())
def test_no_text_leads_a_rule_astray(text) -> None:
    for rule in RULES:
        assert all(isinstance(message, str) for _, message in rule(job([reading("t", f"{{{{{text}}}}} {text}")])))

"""The dashboard's file has the form that workspaces accept, and the bundle has dashboard and alerts for each target.

The form: databricks/bundle-examples (dashboard_nyc_taxi), databricks-solutions/ai-dev-kit (databricks-aibi-dashboards).
"""

import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from databricks.bundles.alerts import Alert
from databricks.bundles.dashboards import Dashboard

from ragops.usecase import load_usecase
from tests.support.warehouse import FOLDER, ROOT, dashboard, queries, widgets, with_warehouse

VERSIONS = {"counter": 2, "table": 2, "bar": 3, "line": 3}
COLUMNS = 12
WIDGETS = [pytest.param(widget, id=f"{page}-{widget['name']}") for page, widget in widgets() if "spec" in widget]
TARGETS = ("dev", "staging", "prod")


def encoded(node: Any) -> list[str]:
    """All fields that an encoding names."""
    if isinstance(node, Mapping):
        own = [node["fieldName"]] if "fieldName" in node else []
        return [*own, *(name for value in node.values() for name in encoded(value))]
    return [name for one in node for name in encoded(one)] if isinstance(node, list) else []


def test_names_are_unique_and_short() -> None:
    for names in (list(queries()), [name for page in dashboard()["pages"] for name in [page["name"]]],
                  [widget["name"] for _, widget in widgets()]):  # fmt: skip
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w-]{1,60}", name) for name in names)


def test_every_dataset_is_shown() -> None:
    asked = {query["query"]["datasetName"] for _, one in widgets() for query in one.get("queries", ())}
    assert asked == set(queries())


def test_a_page_has_its_type_and_the_grid_of_twelve_columns() -> None:
    for page in dashboard()["pages"]:
        assert (page["pageType"], page["layoutVersion"]) == ("PAGE_TYPE_CANVAS", "GRID_V1") and page["displayName"]


def test_widgets_fit_and_do_not_overlap() -> None:
    for page in dashboard()["pages"]:
        taken = []
        for one in page["layout"]:
            at = one["position"]
            assert set(at) == {"x", "y", "width", "height"} and min(at.values()) >= 0
            assert at["x"] + at["width"] <= COLUMNS and at["width"] > 0 < at["height"]
            columns, rows = range(at["x"], at["x"] + at["width"]), range(at["y"], at["y"] + at["height"])
            taken.append({(x, y) for x in columns for y in rows})
        assert not any(one & other for one, other in combinations(taken, 2)), page["name"]
        rows = {y for cells in taken for _, y in cells}
        assert rows == set(range(max(rows) + 1)), "an empty row"


def test_a_text_has_no_spec() -> None:
    for _, widget in widgets():
        assert ("spec" in widget) != ("multilineTextboxSpec" in widget)
        if "multilineTextboxSpec" in widget:
            assert set(widget) == {"name", "multilineTextboxSpec"}


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_has_the_version_of_its_type_and_a_title(widget: dict[str, Any]) -> None:
    spec = widget["spec"]
    assert spec["version"] == VERSIONS[spec["widgetType"]]
    assert spec["frame"]["showTitle"] and spec["frame"]["title"]


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_shows_what_it_asks_for(widget: dict[str, Any]) -> None:
    (query,) = widget["queries"]
    assert query["name"] == "main_query" and query["query"]["disaggregated"] is True
    fields = {one["name"]: one["expression"] for one in query["query"]["fields"]}
    assert all(expression == f"`{name}`" for name, expression in fields.items())
    assert sorted(encoded(widget["spec"]["encodings"])) == sorted(fields)


@pytest.mark.parametrize("widget", [one for one in WIDGETS if one.values[0]["spec"]["version"] == 3])  # type: ignore[index]
def test_a_chart_has_two_axes_with_scales(widget: dict[str, Any]) -> None:
    encodings = widget["spec"]["encodings"]
    assert encodings["x"]["scale"] == {"type": "temporal"} and encodings["y"]["scale"] == {"type": "quantitative"}


def test_queries_name_tables_only_so_that_the_bundle_says_where_they_are() -> None:
    for sql in queries().values():
        assert re.findall(r"\bFROM ([\w.`$]+)", sql) and all(
            name in {"findings", "metrics", "answers", "feedback", "llm_calls"}
            for name in re.findall(r"\b(?:FROM|JOIN) ([\w.`$]+)", sql)
        )


def test_a_colored_value_is_one_that_the_column_can_have() -> None:
    """A misspelled one would be drawn in any color."""
    values = {
        "severity": {"high", "low"}, "verdict": {"up", "down"},
        "outcome": {"answered", "no evidence", "the model", "fallback", "failed", "refused", "abandoned"},
    }  # fmt: skip
    for _, widget in widgets():
        color = widget.get("spec", {}).get("encodings", {}).get("color", {})
        for one in color.get("scale", {}).get("mappings", ()):
            assert one["value"] in values[color["fieldName"]]


def test_the_deployment_is_the_same_for_those_who_have_no_warehouse() -> None:
    included = [line.strip() for line in (ROOT / "databricks.yml").read_text().splitlines() if line.startswith("  - ")]
    assert "- resources/*.yml" in included and not any("warehouse" in line for line in included)
    assert list(FOLDER.glob("*.yml"))


@pytest.mark.parametrize("target", TARGETS)
def test_with_a_warehouse_every_target_has_dashboard_and_alerts(target: str, tmp_path: Path) -> None:
    bundle = with_warehouse(tmp_path, target)
    resources = bundle.config["resources"]
    (board,) = resources["dashboards"].values()
    assert Dashboard.from_dict(dict(board)).warehouse_id == "0123456789abcdef"
    assert (board["dataset_catalog"], board["dataset_schema"]) == (
        resources["schemas"]["rag"]["catalog_name"], resources["schemas"]["rag"]["name"],
    )  # fmt: skip
    assert (tmp_path / "resources" / "warehouse" / board["file_path"]).is_file()
    assert len(resources["alerts"]) == 3
    for alert in resources["alerts"].values():
        made = Alert.from_dict(dict(alert))
        assert f"{board['dataset_catalog']}.{board['dataset_schema']}." in str(made.query_text)
        assert "${" not in str(alert)
    rights = [one for resource in (board, *resources["alerts"].values()) for one in resource["permissions"]]
    assert bool(rights) == (target != "dev")


@pytest.fixture
def alerts(tmp_path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = with_warehouse(tmp_path, "prod").config["resources"]["alerts"]
    return found


def test_alerts_start_the_warehouse_once_an_hour_and_notify_the_owners(alerts: Mapping[str, Any]) -> None:
    assert len({str(one["schedule"]) for one in alerts.values()}) == 1
    for one in alerts.values():
        notification = one["evaluation"]["notification"]
        assert notification["notify_on_ok"] and one["custom_summary"]
        assert notification["subscriptions"] == [{"user_email": "owner@example.com"}]
        assert one["evaluation"]["empty_result_state"] in ("OK", "TRIGGERED")


def test_freshness_is_that_of_the_use_case(alerts: Mapping[str, Any]) -> None:
    limit = alerts["freshness_late"]["evaluation"]["threshold"]["value"]["double_value"]
    assert limit == load_usecase(ROOT / "usecase.yml").sla.freshness_minutes

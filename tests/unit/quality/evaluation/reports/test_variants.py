"""Reports of a comparison of variants: tables, pictures, JSON and the frame for notebooks."""

import json
from io import StringIO

import pytest
from rich.console import Console

from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.evaluation.reports.pictures import comparison_pictures, summary
from ragops.quality.evaluation.reports.variants import print_variants, variants_as_json, variants_frame
from tests.support.evaluations import result

OWN_RESULT = result("cite_or_abstain", [0.0] * 12)
BETTER = result("brief", [1.0] * 12)
LIKE = result("cite", [0.0, 1.0] + [0.0] * 10)


def test_the_summary_names_significant_differences_only() -> None:
    text = summary([OWN_RESULT, LIKE, BETTER])
    assert "brief is significantly better on supported (+1.00" in text and "cite is significantly" not in text
    assert "no difference is significant" in summary([OWN_RESULT, LIKE])
    assert "worse" in summary([BETTER, OWN_RESULT])


@pytest.mark.parametrize("trials", [[OWN_RESULT, BETTER], [OWN_RESULT], [result("cite", [], failed=2), BETTER]])
def test_pictures_can_be_drawn_of_any_outcome(trials: list[VariantResult]) -> None:
    pictures = list(comparison_pictures(trials))
    assert [one.name for one in pictures] == ["checks", "effort"]
    assert all("<svg" in one.svg and "nan" not in one.sentence for one in pictures)


def test_there_is_no_picture_without_questions() -> None:
    assert list(comparison_pictures([result("cite", [])])) == []


def printed(*results: VariantResult) -> str:
    out = StringIO()
    print_variants(Console(file=out, width=100), results, "cite_or_abstain")
    return out.getvalue()


def test_the_table_compares_with_the_use_cases_prompt_of_the_same_model() -> None:
    elsewhere = result("cite_or_abstain", [1.0] * 12, "served")
    lone = result("brief", [1.0] * 12, "served")
    text = printed(OWN_RESULT, BETTER, elsewhere, lone)
    below = text.split("paired difference from cite_or_abstain")[1]
    assert "brief, quotes" in below and "+1.000 +1..+1" in below  # against 0 with quotes
    assert "brief, served" in below and below.count("+1.000 +1..+1") == 1
    assert text.count("use case's") == 2
    rows = variants_as_json([OWN_RESULT, BETTER, elsewhere, lone], "cite_or_abstain")
    assert [row["minus_card"] and row["minus_card"]["supported"]["mean"] for row in rows] == [None, 1.0, None, 0.0]
    assert rows[1]["technique"] == "zero_shot" and len(rows[1]["content_hash"]) == 64


def test_what_was_not_measured_is_null_in_json() -> None:
    rows = variants_as_json([result("cite", [], failed=2)], "cite")
    assert json.loads(json.dumps(rows, allow_nan=False))[0]["answered"] is None
    assert "-" in printed(result("cite", [], failed=2))


def test_a_frame_has_a_column_for_each_variant() -> None:
    found = variants_frame([OWN_RESULT, BETTER, result("cite", [1.0], failed=1)])
    assert list(found.columns) == ["cite_or_abstain", "brief", "cite"]
    assert found.loc["supported", "brief"] == "1.00 (.74 to 1)" and found.loc["failed", "cite"] == 1
    assert found.loc["abstained", "brief"] == ""

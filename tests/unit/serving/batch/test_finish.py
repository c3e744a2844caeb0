"""From a request with its reply's columns to a row of the table of answers."""

import math
from typing import Any

import pandas as pd
import pytest

from ragops.answers.chain.checked import Checks
from ragops.answers.prompts.template_files import load_templates
from ragops.serving.batch.finish import answer_row
from ragops.serving.model.registered import ChainVersion
from tests.support.evaluations import USE_CASE

OF_REPLIES = ("text", "model", "provider", "prompt_tokens", "completion_tokens", "seconds", "finish_reason", "cost")


@pytest.mark.parametrize("null", [None, math.nan, pd.NA])
def test_nulls_of_a_request_without_a_reply_are_read_as_such(null: object) -> None:
    template = load_templates(USE_CASE.prompts, USE_CASE.folder)["cite"]
    checks = Checks(template, USE_CASE.answers, USE_CASE.models.quotes)
    row: dict[str, Any] = dict.fromkeys((*OF_REPLIES, "error", "reply_is_refused"), null)
    row |= {"answer_id": "a", "question_id": "q", "question": "Why?", "groups": [], "chain": "c", "attempt": 1}
    row |= {"problem": "the text is empty", "is_refused": True, "generation": "g", "evidence": 0.0, "input": "i"}
    found = answer_row(checks, ChainVersion("help", "1"), row | {"request_id": "r"})
    assert (found.outcome, found.prompt_tokens, found.cost, found.model) == ("refused", 0, 0.0, "")

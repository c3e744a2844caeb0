"""Each process of an endpoint says once what its container is; elsewhere nothing is said."""

import os
import re
from types import SimpleNamespace

import pytest

from ragops.serving.model import agent
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.container import container


def test_the_line_has_process_memory_and_disk() -> None:
    assert re.fullmatch(
        rf"pid {os.getpid()} on host \S*: \d+ cores, [\d.]+ GiB of memory, [\d.]+ GiB free in /\S+, Python 3\.\S+",
        container(),
    )


@pytest.mark.parametrize("serving", [True, False])
def test_it_is_said_when_an_endpoint_loads_the_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], serving: bool
) -> None:
    if serving:
        monkeypatch.setenv("IS_IN_DB_MODEL_SERVING_ENV", "true")
    monkeypatch.setattr(ChainConfiguration, "model_validate", lambda given: given)
    monkeypatch.setattr(agent, "open_logged", lambda configuration, artifacts: None)
    agent.ChainAgent().load_context(SimpleNamespace(model_config={}, artifacts={}))
    assert capsys.readouterr().out.startswith("pid ") == serving

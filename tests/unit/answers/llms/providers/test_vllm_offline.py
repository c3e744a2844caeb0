"""The vLLM provider with a double of its module, which refuses what the real one would: vLLM needs a GPU."""

import os
import sys
from functools import lru_cache
from types import ModuleType, SimpleNamespace
from typing import Any

import pyspark
import pytest
from jinja2 import TemplateError

from ragops.answers.llms.errors import ContextOverflow, EmptyAnswer, Rejected, ServerFault, Unavailable
from ragops.answers.llms.providers.vllm_offline import (
    VllmOfflineModel,
    prepare_environment,
    task_gpus,
    visible_devices,
)
from ragops.answers.llms.settings import VllmOffline
from ragops.answers.llms.types import Request
from ragops.answers.prompts.types import Message
from tests.support.llms import ask

SETTINGS = VllmOffline(name="big", provider="vllm_offline", source="/Volumes/a/model", context_tokens=40)
NONSENSE = {"type": "nonsense"}
ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "VLLM_WORKER_MULTIPROC_METHOD", "VLLM_ENABLE_V1_MULTIPROCESSING")


class Tokenizer:
    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [1] * len(text.split())

    def apply_chat_template(self, chat: list[dict], *, add_generation_prompt: bool, return_dict: bool) -> list[int]:
        assert add_generation_prompt and not return_dict
        if chat[0]["role"] == "system":
            raise TemplateError("System role not supported")
        return [1] * sum(len(message["content"].split()) + 4 for message in chat)


class VLLMError(Exception):
    """What vLLM 0.32 raises for a request that it refuses; 0.13 raises a ValueError."""


class Engine:
    """vllm.LLM: refuses a whole batch for one prompt, and when it fails keeps its requests, as the real one does."""

    def __init__(self, **options: Any) -> None:
        allowed = {"model", "max_model_len", "gpu_memory_utilization", "enable_prefix_caching", "enforce_eager", "seed"}
        assert options.keys() <= allowed
        assert 0 < options["gpu_memory_utilization"] < 1
        self.options = options
        self.environment = {name: os.environ.get(name) for name in ENVIRONMENT}
        self.batches: list[tuple[list, list]] = []
        self.stopped = False
        self.unfinished: list[list[dict]] = []
        self.llm_engine = SimpleNamespace(
            engine_core=SimpleNamespace(shutdown=self._stop), has_unfinished_requests=lambda: bool(self.unfinished)
        )

    def _stop(self) -> None:
        self.stopped = True

    def get_tokenizer(self) -> Tokenizer:
        return Tokenizer()

    def chat(self, chats: list[list[dict]], sampling: list[Any], *, use_tqdm: bool) -> list[Any]:
        assert not use_tqdm
        assert chats and len(chats) == len(sampling)
        prompts = [Tokenizer().apply_chat_template(one, add_generation_prompt=True, return_dict=False) for one in chats]
        if any(len(prompt) > self.options["max_model_len"] for prompt in prompts):
            raise ValueError("The decoder prompt is longer than the maximum model length")
        if any(one.structured_outputs and one.structured_outputs.json == NONSENSE for one in sampling):
            raise VLLMError("Grammar error:\nInvalid type: nonsense")
        self.unfinished += chats
        if any("crash" in one[-1]["content"] for one in chats):
            raise RuntimeError("CUDA error:\nout of memory")
        self.batches.append((chats, sampling))
        answered, self.unfinished = self.unfinished, []
        return [self._output(one, prompt) for one, prompt in zip(answered, prompts, strict=True)]

    def _output(self, chat: list[dict], prompt: list[int]) -> Any:
        text = "" if "silence" in chat[-1]["content"] else f"re: {chat[-1]['content']}"
        best = SimpleNamespace(text=text, token_ids=[1, 2], finish_reason="length")
        return SimpleNamespace(prompt_token_ids=prompt, outputs=[best])


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")  # restores the environment afterwards
    module: Any = ModuleType("vllm")
    module.LLM = Engine
    module.SamplingParams = lambda **options: SimpleNamespace(**options)
    module.sampling_params = SimpleNamespace(StructuredOutputsParams=lambda *, json: SimpleNamespace(json=json))
    state: Any = ModuleType("vllm.distributed.parallel_state")
    functions: Any = ModuleType("vllm.utils.func_utils")
    functions.supports_kw = lru_cache(lambda function: True)
    functions.supports_kw(Engine.chat)
    module.cleanups = 0

    def cleanup() -> None:
        assert not functions.supports_kw.cache_info().currsize
        module.cleanups += 1

    state.cleanup_dist_env_and_memory = cleanup
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setitem(sys.modules, "vllm.distributed", ModuleType("vllm.distributed"))
    monkeypatch.setitem(sys.modules, "vllm.distributed.parallel_state", state)
    monkeypatch.setitem(sys.modules, "vllm.utils", ModuleType("vllm.utils"))
    monkeypatch.setitem(sys.modules, "vllm.utils.func_utils", functions)
    return module


def test_the_engine_starts_in_its_environment_and_stops(vllm: Any) -> None:
    model = VllmOfflineModel(SETTINGS)
    engine: Any = model._engine
    assert engine.environment["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"
    assert engine.environment["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert (engine.options["model"], engine.options["max_model_len"]) == ("/Volumes/a/model", 40)
    assert engine.options["enforce_eager"] is True
    model.close()
    assert (engine.stopped, vllm.cleanups) == (True, 1)


@pytest.mark.usefixtures("vllm")
def test_a_batch_is_one_call_and_failures_are_independent() -> None:
    model = VllmOfflineModel(SETTINGS)
    schema = {"type": "object"}
    requests = [
        ask("one", max_tokens=8, seed=3, stop=("END",)),
        ask("word " * 50, max_tokens=8),
        ask("silence", max_tokens=8),
        ask("two", max_tokens=8, temperature=0.5, response_schema=schema),
    ]
    answers = model.generate_many(requests)
    assert [type(answer) for answer in answers[1:3]] == [ContextOverflow, EmptyAnswer]
    first, last = answers[0], answers[3]
    assert (first.text, last.text, first.finish_reason) == ("re: one", "re: two", "length")
    assert (first.prompt_tokens, first.completion_tokens, first.model, first.provider) == (5, 2, "big", "vllm_offline")
    engine: Any = model._engine
    ((chats, sampling),) = engine.batches
    assert chats[0] == [{"role": "user", "content": "one"}]
    one, _, two = sampling
    assert (one.max_tokens, one.temperature, one.seed, one.stop, one.structured_outputs) == (8, 0.0, 3, ["END"], None)
    assert (two.temperature, two.stop, two.structured_outputs.json) == (0.5, None, schema)


@pytest.mark.usefixtures("vllm")
def test_it_also_answers_one_request_at_a_time() -> None:
    model = VllmOfflineModel(SETTINGS)
    request = ask("one", max_tokens=8)
    assert "".join(model.stream(request)) == model.generate(request).text == "re: one"
    assert model.count_tokens("a b c") == 3
    with pytest.raises(ContextOverflow, match="54 .* 8 .* 40"):
        model.generate(ask("word " * 50, max_tokens=8))
    with pytest.raises(ServerFault, match="CUDA error: out of memory"):
        model.generate(ask("crash", max_tokens=8))


def test_a_request_refused_by_vllm_does_not_fail_the_others(vllm: Any) -> None:
    model = VllmOfflineModel(SETTINGS)
    asked = [
        ask(str(number), max_tokens=8, response_schema=NONSENSE if number in (2, 3) else None) for number in range(7)
    ]
    answers = model.generate_many(asked)
    assert [str(answers[at]) for at in (2, 3)] == [
        "Model big: vLLM refuses the request (Grammar error: Invalid type: nonsense)"
    ] * 2
    assert all(isinstance(answers[at], Rejected) for at in (2, 3))
    assert [answers[at].text for at in (0, 1, 4, 5, 6)] == ["re: 0", "re: 1", "re: 4", "re: 5", "re: 6"]
    assert vllm.cleanups == 0


def test_after_an_engine_fails_a_new_one_answers(vllm: Any) -> None:
    model = VllmOfflineModel(SETTINGS)
    failed: Any = model._engine
    answers = model.generate_many([ask("one", max_tokens=8), ask("crash", max_tokens=8)])
    assert [str(answer) for answer in answers] == ["Model big: vLLM failed (CUDA error: out of memory)"] * 2
    assert (failed.stopped, vllm.cleanups) == (True, 1)
    assert model.generate(ask("two", max_tokens=8)).text == "re: two"
    assert model._engine is not failed


def test_after_an_engine_fails_the_new_one_may_be_unavailable(vllm: Any) -> None:
    model = VllmOfflineModel(SETTINGS)
    with pytest.raises(ServerFault):
        model.generate(ask("crash", max_tokens=8))
    vllm.LLM = None
    for _ in range(2):
        with pytest.raises(Unavailable, match="/Volumes/a/model"):
            model.generate(ask("two", max_tokens=8))
    model.close()


@pytest.mark.usefixtures("vllm")
def test_messages_refused_by_the_chat_template_do_not_fail_the_others() -> None:
    refused = Request((Message("system", "Be brief."), Message("user", "one")), max_tokens=8)
    answers = VllmOfflineModel(SETTINGS).generate_many([refused, ask("two", max_tokens=8)])
    assert isinstance(answers[0], Rejected)
    assert str(answers[0]).endswith("its chat template refuses the messages (System role not supported)")
    assert answers[1].text == "re: two"


@pytest.mark.usefixtures("vllm")
def test_an_empty_batch_does_not_call_the_engine() -> None:
    assert VllmOfflineModel(SETTINGS).generate_many([]) == []


def test_without_vllm_the_model_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(Unavailable, match=r"Model big: vLLM is not installed; install ragops\[vllm\]"):
        VllmOfflineModel(SETTINGS)


def test_an_engine_that_cannot_start_reports_the_reason(vllm: Any) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("Engine core\ninitialization failed")

    vllm.LLM = broken
    with pytest.raises(Unavailable, match="/Volumes/a/model .Engine core initialization failed"):
        VllmOfflineModel(SETTINGS)


@pytest.mark.parametrize(
    ("gpus", "visible", "wanted"),
    [
        (["2"], "", "2"),
        (["0", "1"], "", "0,1"),
        (["3"], "7", "7"),
        (["5"], "4,5,6", "5"),
        (["1"], "4,5,6", "5"),
        (["GPU-b"], "GPU-a,GPU-b", "GPU-b"),
    ],
)
def test_the_gpus_of_the_task_are_selected(gpus: list[str], visible: str, wanted: str) -> None:
    assert visible_devices(gpus, visible) == wanted


def test_without_scheduled_gpus_the_visible_devices_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "7")
    prepare_environment([])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    prepare_environment(["0"])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_a_process_that_uses_cuda_already_does_not_change_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA reads the variable once: the engine would start on the GPU of an earlier task."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "0,1")
    cuda = SimpleNamespace(is_initialized=lambda: True)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    prepare_environment(["0", "1"])
    with pytest.raises(RuntimeError, match="spark.python.worker.reuse"):
        prepare_environment(["1"])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


@pytest.mark.parametrize(("partition", "devices", "wanted"), [(5, 4, ["1"]), (5, 1, []), (0, 0, [])])
def test_where_gpus_are_not_scheduled_partitions_spread_over_them(
    monkeypatch: pytest.MonkeyPatch, partition: int, devices: int, wanted: list[str]
) -> None:
    task = SimpleNamespace(resources=dict, partitionId=lambda: partition)
    monkeypatch.setattr(pyspark.TaskContext, "get", lambda: task)
    assert task_gpus(lambda: devices) == wanted

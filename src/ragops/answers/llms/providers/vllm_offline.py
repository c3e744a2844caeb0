"""vLLM without a server: one engine per GPU inside the workers of the job answer_batch, many requests at a time.

A use case can name it for other jobs, too; the gateway then sends it one request at a time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import TemplateError

from ragops.answers.llms.errors import ContextOverflow, EmptyAnswer, Rejected, ServerFault, Unavailable, check_context
from ragops.answers.llms.settings import VllmOffline
from ragops.answers.llms.thoughts import without_thoughts
from ragops.answers.llms.types import Pieces, Reply, Request, drain
from ragops.corpus.embeddings.gpus import cuda_device_count
from ragops.errors import UserError
from ragops.text import reason

_LENGTH = 200  # characters of vLLM's message


class VllmOfflineModel:
    """An engine in this process, on the GPUs that Spark assigned to its task. Close it at the end of the task."""

    def __init__(self, settings: VllmOffline) -> None:
        """Starts the engine, which takes up to a minute: do it once per worker, before the loop over batches.

        Raises:
            Unavailable: vLLM is not installed, or the engine does not start.
        """
        self._settings = settings
        self._engine: Any = None
        self._tokenizer: Any = None
        try:
            prepare_environment(task_gpus())
        except RuntimeError as error:
            raise Unavailable(f"Model {self.name}: {error}") from error
        self._start()

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As configured; the engine is built for it."""
        return self._settings.context_tokens

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Returns an answer, or the reason why there is none, for each request in order; failures are independent.

        If the engine itself fails, that is the reason for all of them, and the next call starts a new engine.

        Raises:
            Unavailable: the new engine does not start.
        """
        problems = [self._problem(request) for request in requests]
        fitting = [request for request, problem in zip(requests, problems, strict=True) if problem is None]
        answers = iter(self._chat(fitting))
        return [problem or next(answers) for problem in problems]

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer. Raises ModelFailure and ContextOverflow as every model does."""
        return drain(self.stream(request))

    def stream(self, request: Request) -> Pieces:
        """Yields the answer as one piece: the offline engine does not stream."""
        answer = self.generate_many([request])[0]
        if isinstance(answer, UserError):
            raise answer
        yield answer.text
        return answer

    def count_tokens(self, text: str) -> int:
        """Counts with the model's own tokenizer."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def close(self) -> None:
        """Stops the engine and frees the GPU's memory: the next task may run in this process or in another."""
        if self._engine is None:
            return
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory
        from vllm.utils.func_utils import supports_kw

        self._engine.llm_engine.engine_core.shutdown()
        self._engine = None
        if hasattr(supports_kw, "cache_clear"):
            # In 0.13 the cache's keys are methods of the model and keep its memory (vllm-project/vllm#35676).
            supports_kw.cache_clear()
        cleanup_dist_env_and_memory()

    def _start(self) -> None:
        settings = self._settings
        try:
            import vllm  # initializes CUDA: only after the environment is set, and never on a driver that forks

            self._vllm = vllm
            self._engine = vllm.LLM(
                model=settings.source,
                max_model_len=settings.context_tokens,
                gpu_memory_utilization=settings.gpu_memory_utilization,
                enable_prefix_caching=True,  # all prompts of a batch begin with the same instructions
                enforce_eager=True,  # torch.compile hangs inside Spark's workers on Databricks
                seed=0,
            )
            self._tokenizer = self._engine.get_tokenizer()
        except ImportError as error:
            raise Unavailable(f"Model {self.name}: vLLM is not installed; install ragops[vllm]") from error
        except Exception as error:  # vLLM raises different types in different versions
            why = f"vLLM cannot start {settings.source} ({reason(error, _LENGTH)}); check it and the GPU's memory"
            raise Unavailable(f"Model {self.name}: {why}") from error

    def _chat(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        if not requests:
            return []
        if self._engine is None:
            self._start()
        started = time.monotonic()
        done = self._run(requests)
        if isinstance(done, str):
            return self._unanswered(requests, done)
        # The engine works on all of them at once: each gets its share of the time.
        seconds = (time.monotonic() - started) / len(requests)
        return [self._reply(one, seconds) for one in done]

    def _run(self, requests: Sequence[Request]) -> list[Any] | str:
        """The outputs of vLLM, or its error as text: the exception itself would keep the engine's memory."""
        chats = [request.chat() for request in requests]
        try:
            done: list[Any] = self._engine.chat(chats, [self._sampling(one) for one in requests], use_tqdm=False)
        except Exception as error:  # VLLMError of newer versions is neither a ValueError nor a RuntimeError
            return reason(error, _LENGTH)
        return done

    def _unanswered(self, requests: Sequence[Request], why: str) -> list[Reply | UserError]:
        if self._engine.llm_engine.has_unfinished_requests():
            # It failed midway: it would answer these requests in the next call, mixed up with those, or never.
            self.close()
            return [ServerFault(f"Model {self.name}: vLLM failed ({why})") for _ in requests]
        if len(requests) == 1:
            return [Rejected(f"Model {self.name}: vLLM refuses the request ({why})")]
        middle = len(requests) // 2  # it does not report which request it refused, and answers none of them
        return self._chat(requests[:middle]) + self._chat(requests[middle:])

    def _sampling(self, request: Request) -> Any:  # noqa: ANN401 - vLLM's own type
        schema = request.response_schema
        structured = None if schema is None else self._vllm.sampling_params.StructuredOutputsParams(json=schema)
        return self._vllm.SamplingParams(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            stop=list(request.stop) or None,
            structured_outputs=structured,
        )

    def _reply(self, done: Any, seconds: float) -> Reply | UserError:  # noqa: ANN401 - vLLM's own type
        best = done.outputs[0]
        text = without_thoughts(best.text)
        if not text.strip():
            return EmptyAnswer(f"Model {self.name}: the model returned an empty answer; rephrase the question")
        return Reply(
            text=text,
            model=self.name,
            provider=self._settings.provider,
            prompt_tokens=len(done.prompt_token_ids),
            completion_tokens=len(best.token_ids),
            seconds=seconds,
            finish_reason=best.finish_reason or "stop",
        )

    def _problem(self, request: Request) -> UserError | None:
        """Why the engine would refuse this request, and the whole batch with it; None if it would not."""
        try:
            tokens = self._tokenizer.apply_chat_template(request.chat(), add_generation_prompt=True, return_dict=False)
            check_context(self.name, len(tokens), request.max_tokens, self.context_tokens)
        except ContextOverflow as error:
            return error
        except TemplateError as error:  # a template without a system role, for example
            return Rejected(f"Model {self.name}: its chat template refuses the messages ({error.message})")
        return None


def task_gpus(count_devices: Callable[[], int] = cuda_device_count) -> list[str]:
    """The addresses of the GPUs that Spark assigned to the current task; none outside a task.

    Where GPUs are not scheduled (single-node compute), tasks are spread over the visible ones by partition.
    """
    try:
        from pyspark import TaskContext
    except ImportError:  # a GPU machine without Spark
        return []
    task = TaskContext.get()
    if task is None:
        return []
    if "gpu" in task.resources():
        return list(task.resources()["gpu"].addresses)
    try:
        count = count_devices()
    except ImportError:  # no torch, and therefore no vLLM either
        return []
    return [str(task.partitionId() % count)] if count > 1 else []


def prepare_environment(gpus: Sequence[str]) -> None:
    """Sets the environment that vLLM reads on import: the task's GPUs, and how it starts processes.

    Raises:
        RuntimeError: this process has used CUDA before, which has read the variable and will not read it again.
    """
    if gpus:
        before = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        chosen = visible_devices(gpus, before)
        torch: Any = sys.modules.get("torch")
        if chosen != before and torch is not None and torch.cuda.is_initialized():
            raise RuntimeError("this process uses another GPU already; set spark.python.worker.reuse to false")
        os.environ["CUDA_VISIBLE_DEVICES"] = chosen
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"  # a fork fails after CUDA is initialized
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # the engine in this process starts in half the time


def visible_devices(gpus: Sequence[str], visible: str) -> str:
    """The value of CUDA_VISIBLE_DEVICES for the task's GPUs.

    Args:
        gpus: the addresses that Spark assigned.
        visible: the present value. If it lists as many devices as were assigned, those are the task's, however the
            scheduler numbers them. Otherwise an address is one of the listed devices, or an index into the list.
    """
    listed = [entry.strip() for entry in visible.split(",") if entry.strip()]
    if not listed:
        return ",".join(gpus)
    if len(listed) == len(gpus):
        return visible
    return ",".join(gpu if gpu in listed else listed[int(gpu)] for gpu in gpus)

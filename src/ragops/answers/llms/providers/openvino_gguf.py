"""A GGUF model in this process: openvino-genai on the CPU, without torch, a server or a network."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ragops.answers.llms.errors import EmptyAnswer, TimedOut, Unavailable, check_context
from ragops.answers.llms.providers.schemas import compact_pattern
from ragops.answers.llms.settings import OpenVinoGguf
from ragops.answers.llms.thoughts import ThoughtFilter, without_thoughts
from ragops.answers.llms.types import Pieces, Reply, Request
from ragops.corpus.embeddings.model_files import find_folder, is_package
from ragops.errors import UserError
from ragops.text import one_line

OnPiece = Callable[[str], bool]
"""Receives the pieces of an answer as they are generated; returns False to stop."""

_loading = threading.Lock()
_engines: dict[Path, _Engine] = {}


class OpenVinoGgufModel:
    """A model file. All objects and threads of a process share one loaded copy, which answers one request at a time."""

    def __init__(self, settings: OpenVinoGguf, file: Path) -> None:
        """Takes the file that `gguf_file` found; it is loaded on first use."""
        self._settings = settings
        self._file = file

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As configured."""
        return self._settings.context_tokens

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer. Raises ModelFailure and ContextOverflow as every model does."""
        started, tokens = time.monotonic(), self._prompt(request)
        return self._reply(self._run(request, tokens, lambda piece: True), tokens, started)

    def stream(self, request: Request) -> Pieces:
        """Yields the answer in pieces; closing the generator stops the model."""
        started, tokens = time.monotonic(), self._prompt(request)
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        stopped = threading.Event()
        results: list[Any] = []

        def keep(piece: str) -> bool:
            pieces.put(piece)
            return not stopped.is_set()

        def work() -> None:
            try:
                results.append(self._run(request, tokens, keep))
            except Exception as error:  # raised by the thread that reads
                results.append(error)
            finally:
                pieces.put(None)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        written = ThoughtFilter()
        try:
            while (piece := pieces.get()) is not None:
                if answer := written.feed(piece):
                    yield answer
        finally:
            stopped.set()
            worker.join()
        if isinstance(results[0], Exception):
            raise results[0]
        if rest := written.end(cut_off=True):
            yield rest
        return self._reply(results[0], tokens, started)

    def count_tokens(self, text: str) -> int:
        """Counts with the model's own tokenizer."""
        return self._engine.count(text)

    @property
    def _engine(self) -> _Engine:
        with _loading:
            if self._file not in _engines:
                _engines[self._file] = _Engine(self.name, self._file)
            return _engines[self._file]

    def _prompt(self, request: Request) -> Any:  # noqa: ANN401 - openvino_genai's own type
        tokens = self._engine.prompt(request.chat())
        check_context(self.name, _length(tokens), request.max_tokens, self.context_tokens)
        return tokens

    def _run(self, request: Request, tokens: Any, keep: OnPiece) -> Any:  # noqa: ANN401 - openvino_genai's own type
        seconds = min(request.timeout_s or self._settings.timeout_s, self._settings.timeout_s)
        end = time.monotonic() + seconds
        done = self._engine.write(tokens, request, lambda piece: keep(piece) and time.monotonic() < end, seconds)
        if time.monotonic() >= end:
            raise TimedOut(f"Model {self.name}: the answer took longer than {seconds:.0f} s; raise its timeout_s")
        return done

    def _reply(self, done: Any, tokens: Any, started: float) -> Reply:  # noqa: ANN401 - openvino_genai's own type
        written = done.tokens[0]
        text = without_thoughts(self._engine.text(written))
        if not text.strip():
            raise EmptyAnswer(f"Model {self.name}: the model returned an empty answer; rephrase the question")
        reason = done.finish_reasons[0].name.lower()
        seconds = time.monotonic() - started
        return Reply(text, self.name, self._settings.provider, _length(tokens), len(written), seconds, reason)


class _Engine:
    """The loaded pipeline with its tokenizer, and a lock, since it answers one request at a time."""

    def __init__(self, name: str, file: Path) -> None:
        try:
            import openvino_genai  # takes a second to import, and only this provider needs it

            self._genai = openvino_genai
            self._pipeline = openvino_genai.LLMPipeline(str(file), "CPU")
        except ImportError as error:
            raise Unavailable(f"Model {name}: openvino-genai is not installed; install ragops[local_llm]") from error
        except RuntimeError as error:
            reason = one_line(error)[-200:]
            raise Unavailable(f"Model {name}: cannot load {file} ({reason}); give a complete GGUF file") from error
        self._name = name
        self._tokenizer = self._pipeline.get_tokenizer()
        self._lock = threading.Lock()

    def prompt(self, chat: list[dict[str, str]]) -> Any:  # noqa: ANN401 - openvino_genai's own type
        """The chat in the model's own syntax, as tokens."""
        # If the template has no system role, the library prepends that text to the first user message.
        text = self._tokenizer.apply_chat_template(chat, add_generation_prompt=True)
        return self._tokenizer.encode(text, add_special_tokens=False)

    def write(self, tokens: Any, request: Request, keep: OnPiece, wait_s: float) -> Any:  # noqa: ANN401 - as above
        status = self._genai.StreamingStatus
        if not self._lock.acquire(timeout=wait_s):
            raise TimedOut(f"Model {self._name}: other requests kept it busy for {wait_s:.0f} s; raise its timeout_s")
        try:
            return self._pipeline.generate(
                tokens, self._config(request), lambda piece: status.RUNNING if keep(piece) else status.CANCEL
            )
        finally:
            self._lock.release()

    def text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens))

    def count(self, text: str) -> int:
        return _length(self._tokenizer.encode(text, add_special_tokens=False)) if text else 0

    def _config(self, request: Request) -> Any:  # noqa: ANN401 - openvino_genai's own type
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        config.stop_token_ids = {config.eos_token_id}
        config.max_new_tokens = request.max_tokens
        config.do_sample = request.temperature > 0
        if request.temperature > 0:
            config.temperature, config.rng_seed = request.temperature, request.seed
        if request.stop:
            config.stop_strings = set(request.stop)
        if request.response_schema is not None:
            pattern = compact_pattern(request.response_schema)
            form = {"regex": pattern} if pattern else {"json_schema": json.dumps(request.response_schema)}
            config.structured_output_config = self._genai.StructuredOutputConfig(**form)
        return config


def gguf_file(name: str, source: str, resolve: Callable[[str], Path]) -> Path:
    """Finds a model's file; `resolve` maps a path in usecase.yml to one on this machine.

    Raises:
        Unavailable: the package is not installed, or it or the path has no such file.
    """
    try:
        file = find_folder(f"Model {name}", source) if is_package(source) else resolve(source)
    except UserError as error:
        raise Unavailable(str(error)) from error
    if not file.is_file():
        raise Unavailable(f"Model {name}: no file {file}; correct its source in usecase.yml")
    return file


def _length(tokens: Any) -> int:  # noqa: ANN401 - openvino_genai's own type
    return int(tokens.input_ids.shape[1])

"""A model's own chat syntax: messages to the one text that it was trained on, by its own chat template.

For models that are given text: in-process and batch engines without a chat method, token counting, prefix caches.
Servers with a chat endpoint apply the same template themselves and are sent messages; of this module they need only
`with_system`. The environment is the one that transformers documents for chat templates, made of Jinja alone, since
transformers is too big for a place that only needs it for this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ragops.answers.prompts.messages import Message
from ragops.errors import UserError

_PROBE = "a system text that no template would write by itself"


class _Generation(Extension):
    """`{% generation %}`, by which templates mark an assistant's tokens for training: the text within, no more."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    sandbox.filters["tojson"] = _to_json
    sandbox.globals |= {"raise_exception": _refuse, "strftime_now": _now}
    return sandbox


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None) -> str:
    """Jinja's own escapes characters of HTML, which prompts are not."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(format: str) -> str:
    return datetime.now().strftime(format)


_ENVIRONMENT = _environment()


@dataclass(frozen=True)
class ChatSyntax:
    """A chat template and the tokens that it and the tokenizer know.

    Attributes:
        template: Jinja, as in `chat_template.jinja` or in a GGUF file's `tokenizer.chat_template`.
        bos: the token that begins a text; "" if the model has none.
        eos: the token that ends one.
        special_tokens: all of the model's, for `neutralise`.
    """

    template: str
    bos: str = ""
    eos: str = ""
    special_tokens: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        try:
            _ENVIRONMENT.parse(self.template)
        except TemplateError as error:
            raise UserError(f"chat template: is not Jinja ({error}); take the one that came with the model") from error

    def render(self, messages: Sequence[Message], *, add_bos: bool = True) -> str:
        """The text to complete, up to and with the beginning of the assistant's turn.

        Args:
            messages: a system message is merged into the first user turn where the template has no place for it.
            add_bos: False for receivers that put BOS before every text themselves (a tokenizer's defaults,
                /v1/completions), so that the model is not shown two.

        Raises:
            UserError: the template refuses the messages, for example because turns do not alternate.
        """
        try:
            text = self._apply(self.with_system(messages))
        except TemplateError as error:
            raise UserError(f"chat template: refuses these messages ({error}); fix the prompt's turns") from error
        return text.removeprefix(self.bos) if self.bos and not add_bos else text

    def with_system(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as this model can take them: the system text leads the first user turn if it has no role."""
        return list(messages) if self.has_system_role else merged(messages)

    @cached_property
    def has_system_role(self) -> bool:
        """Whether a system message gets through: some templates refuse it, some drop it without a word."""
        try:
            return _PROBE in self._apply([Message("system", _PROBE), Message("user", "question")])
        except TemplateError:
            return False

    def _apply(self, messages: Sequence[Message]) -> str:
        return _ENVIRONMENT.from_string(self.template).render(
            messages=[asdict(message) for message in messages],
            add_generation_prompt=True,
            bos_token=self.bos,
            eos_token=self.eos,
            tools=None,
            documents=None,
        )


def merged(messages: Sequence[Message]) -> list[Message]:
    """The messages without a system role: its text stands before that of the first user turn."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    turns = [message for message in messages if message.role != "system"]
    first = next((place for place, turn in enumerate(turns) if turn.role == "user"), None)
    if not system or first is None:
        return turns
    turns[first] = Message("user", f"{system}\n\n{turns[first].content}")
    return turns


def load_syntax(folder: Path) -> ChatSyntax:
    """Reads a model's folder: tokenizer_config.json, and chat_template.jinja, which goes before it.

    Raises:
        UserError: there is no chat template, or the configuration is not JSON.
    """
    config = _read_config(folder / "tokenizer_config.json")
    file = folder / "chat_template.jinja"
    template = file.read_text(encoding="utf-8") if file.is_file() else _template_of(config)
    if not template:
        raise UserError(f"chat template: none in {folder}; take an instruction-tuned model, or add {file.name}")
    bos, eos = _token(config.get("bos_token")), _token(config.get("eos_token"))
    return ChatSyntax(template, bos, eos, _special_tokens(config))


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise UserError(f"chat template: {file} is not JSON ({error}); fetch the model again") from error
    if not isinstance(config, dict):
        raise UserError(f"chat template: {file} does not hold an object; fetch the model again")
    return config


def _template_of(config: Mapping[str, Any]) -> str:
    """The template in the configuration; where there are several, the default one."""
    template = config.get("chat_template") or ""
    if isinstance(template, list):
        named = {one["name"]: one["template"] for one in template}
        template = named.get("default", "")
    return str(template)


def _special_tokens(config: Mapping[str, Any]) -> frozenset[str]:
    added = config.get("added_tokens_decoder", {}).values()
    named = [config.get(f"{name}_token") for name in ("bos", "eos", "unk", "pad", "sep", "cls", "mask")]
    tokens = [token for token in added if token.get("special")] + named + config.get("additional_special_tokens", [])
    return frozenset(filter(None, map(_token, tokens)))


def _token(token: object) -> str:
    """A token's text: configurations hold it as such, or as an object with `content`."""
    return str(token.get("content", "") if isinstance(token, dict) else token or "")

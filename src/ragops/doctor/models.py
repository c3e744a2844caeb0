"""The use case's models: the embedding model's files, which language models answer, and with which request fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from ragops.answers.llms.open import why_unavailable
from ragops.answers.llms.settings import Models, OpenAICompatible
from ragops.corpus.embeddings.model import EmbeddingModel, locate, tokenizer_file
from ragops.doctor.findings import Finding, look
from ragops.platform.model_servers import Serving
from ragops.platform.workspace import Workspace, models_folder

_SECONDS = 20.0
# What some servers refuse to know. One token each: what it costs is nothing.
_FIELDS: Mapping[str, Mapping[str, object]] = {
    "temperature": {"temperature": 0},
    "seed": {"seed": 1},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
    "response_format": {"response_format": {"type": "json_object"}},
}


def check_embedding(model: EmbeddingModel, workspace: Workspace) -> Iterator[Finding]:
    """Where the embedding model's files are. A hub's are not downloaded for that."""
    if model.source.startswith("hub:"):
        yield Finding("embedding model", f"{model.source}, downloaded on first use")
    elif model.is_endpoint:
        yield look("tokenizer", lambda: str(tokenizer_file(model)), "correct `tokenizer` in usecase.yml", "missing")
    else:
        yield look("embedding model", lambda: str(locate(model)), "correct `source` in usecase.yml", "missing")
    yield look("converted models", lambda: _converted(workspace))


def check_language_models(models: Models, workspace: Workspace) -> Iterator[Finding]:
    """Whether each is to be had here; a served one that may answer is asked for one token."""
    chain = models.chain()
    for one in models.known:
        reason = why_unavailable(one, workspace)
        if reason and one == chain[0]:
            yield Finding(one.name, reason, "missing", "choose another with llm=NAME, or let this one be reached")
            continue
        yield Finding(one.name, f"not available here: {reason}; a fallback can answer" if reason else "is here")
        if isinstance(one, OpenAICompatible) and one in chain and not reason:
            yield from _asked(one)


def _asked(model: OpenAICompatible) -> Iterator[Finding]:
    server = Serving()
    if model.base_url or not server.ours:
        return  # somebody else's server: `ragops ask` asks it, with its key and within its policy
    with httpx.Client(headers={"Authorization": f"Bearer {server.token()}"}, timeout=_SECONDS) as client:
        yield from ask_fields(client, f"{server.address}/chat/completions", model.served_name)


def ask_fields(client: httpx.Client, url: str, name: str) -> Iterator[Finding]:
    """Whether a served model answers, and which fields of a request it takes."""
    plain = _answer(client, url, name, {})
    if plain:
        yield Finding(name, plain, "missing", "fix what it says; CAN QUERY: docs/rights.md")
        return
    yield Finding(name, "answers")
    for field, extra in _FIELDS.items():
        refusal = _answer(client, url, name, extra)
        yield Finding(
            field, refusal or "taken", "ok", f"put it under `omit` of {name} in usecase.yml" if refusal else ""
        )


def _answer(client: httpx.Client, url: str, name: str, extra: Mapping[str, object]) -> str:
    """Why a server refuses a request; "" where it answers."""
    words = "Answer with the JSON object {} and nothing else."
    body: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": words}], "max_tokens": 1}
    try:
        response = client.post(url, json=body | dict(extra))
    except httpx.HTTPError as error:
        return f"no answer ({error})"
    return "" if response.is_success else f"HTTP {response.status_code}: {' '.join(response.text.split())[:200]}"


def _converted(workspace: Workspace) -> str:
    folder = models_folder(workspace)
    count = sum(1 for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else 0
    return f"{count} in {folder}"


def wants_secrets(models: Models) -> list[str]:
    """The keys in the secret scope that the use case's models need."""
    keys = [one.key for one in models.known if isinstance(one, OpenAICompatible) and one.key]
    return sorted({*keys, *([models.ledger.key] if models.ledger.payloads == "encrypted" else [])})

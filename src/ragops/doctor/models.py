"""The use case's models and the secrets they need: files, servers, the request fields that a server accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import httpx

from ragops.answers.llms.open import why_unavailable
from ragops.answers.llms.settings import Models, OpenAICompatible
from ragops.corpus.embeddings.maven import parse_maven
from ragops.corpus.embeddings.model import EmbeddingModel, locate, tokenizer_file
from ragops.doctor.findings import Finding, State, line, look
from ragops.platform.credentials import secret_names
from ragops.platform.model_servers import Serving
from ragops.platform.workspace import Workspace, models_folder
from ragops.text import one_line

_SECONDS = 20.0
# Request fields that some servers refuse. Each is tried with an answer of one token, which costs next to nothing.
_FIELDS: Mapping[str, Mapping[str, object]] = {
    "temperature": {"temperature": 0},
    "seed": {"seed": 1},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
    "response_format": {"response_format": {"type": "json_object"}},
}


def check_embedding(model: EmbeddingModel, workspace: Workspace) -> Iterator[Finding]:
    """Where the embedding model's files are. Does not download them."""
    jar = parse_maven(model.source)
    if model.source.startswith("hub:") or (jar and not jar.folder.is_dir()):
        yield Finding("embedding model", f"{model.source}, downloaded on first use")
    elif model.is_endpoint:
        yield look("tokenizer", lambda: str(tokenizer_file(model)), "correct `tokenizer` in usecase.yml", "missing")
    else:
        yield look("embedding model", lambda: str(locate(model)), "correct `source` in usecase.yml", "missing")
    yield look("converted models", lambda: _converted(workspace))


def check_language_models(models: Models, workspace: Workspace) -> Iterator[Finding]:
    """Whether each model is available here; a served one in the chain of fallbacks is asked for one token."""
    chain = models.chain()
    for one in models.known:
        reason = why_unavailable(one, workspace)
        if reason and one == chain[0]:
            yield Finding(one.name, reason, "missing", "choose another one with llm=NAME, or make this one reachable")
            continue
        yield Finding(one.name, f"not available here: {reason}; a fallback can answer" if reason else "available")
        if isinstance(one, OpenAICompatible) and one in chain and not reason:
            yield from _served(one)


def check_secrets(workspace: Workspace, needed: Collection[str]) -> Iterator[Finding]:
    """Whether the secret scope can be read, and a row for each needed secret that is missing. Reads no values."""
    scope = workspace.secret_scope
    try:
        existing = secret_names(scope)
    except Exception as error:
        state: State = "missing" if needed else "unknown"
        yield Finding("scope", f"{scope}: {line(error)}", state, "grant READ: see docs/rights.md for who can")
        return
    yield Finding("scope", f"{scope} can be read; it has {', '.join(existing) or 'no secrets'}")
    for name in needed:
        if name not in existing:
            fix = f"databricks secrets put-secret {scope} {name}; on a laptop: secrets.json of the local workspace"
            yield Finding(name, "needed by the use case, and not set", "missing", fix)


def needed_secrets(models: Models) -> list[str]:
    """The keys in the secret scope that the use case's models need."""
    keys = [one.key for one in models.known if isinstance(one, OpenAICompatible) and one.key]
    return sorted({*keys, *([models.ledger.key] if models.ledger.payloads == "encrypted" else [])})


def _served(model: OpenAICompatible) -> Iterator[Finding]:
    server = Serving()
    if model.base_url or not server.ours:
        return  # an external server: only `ragops ask` calls it, with its key and within the policy
    with httpx.Client(headers={"Authorization": f"Bearer {server.token()}"}, timeout=_SECONDS) as client:
        yield from ask_fields(client, f"{server.address}/chat/completions", model.served_name)


def ask_fields(client: httpx.Client, url: str, name: str) -> Iterator[Finding]:
    """Whether a served model answers, and which request fields it accepts."""
    plain = _answer(client, url, name, {})
    if plain:
        yield Finding(name, plain, "missing", "fix the error; for CAN QUERY see docs/rights.md")
        return
    yield Finding(name, "answers")
    for field, extra in _FIELDS.items():
        refusal = _answer(client, url, name, extra)
        fix = f"put it under `omit` of {name} in usecase.yml" if refusal else ""
        yield Finding(field, refusal or "accepted", "ok", fix)


def _answer(client: httpx.Client, url: str, name: str, extra: Mapping[str, object]) -> str:
    """Why a server refuses a request; "" if it answers."""
    words = "Answer with the JSON object {} and nothing else."
    body: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": words}], "max_tokens": 1}
    try:
        response = client.post(url, json=body | dict(extra))
    except httpx.HTTPError as error:
        return f"no answer ({error})"
    return "" if response.is_success else f"HTTP {response.status_code}: {one_line(response.text, 200)}"


def _converted(workspace: Workspace) -> str:
    folder = models_folder(workspace)
    count = sum(1 for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else 0
    return f"{count} in {folder}"

"""Opens the models, gateway and ledger of a use case, and reports why a model is not available."""

from __future__ import annotations

import importlib.util
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragops.answers.llms.errors import Unavailable, failure_reason
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.sinks import Sink, Spool, Uploads
from ragops.answers.llms.policy import Classification, Policy
from ragops.answers.llms.providers.extractive import ExtractiveModel
from ragops.answers.llms.providers.openvino_gguf import OpenVinoGgufModel, gguf_file
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.providers.vllm_offline import VllmOfflineModel
from ragops.answers.llms.settings import AnyModel, Extractive, Models, OpenAICompatible, OpenVinoGguf, VllmOffline
from ragops.answers.llms.types import LanguageModel
from ragops.errors import UserError
from ragops.platform.credentials import secret
from ragops.platform.model_servers import Serving, check_key
from ragops.platform.workspace import LEDGER, Workspace, is_mounted

if TYPE_CHECKING:
    from ragops.answers.llms.providers.openai_compatible import Access

_CONNECT_SECONDS = 3.0


def open_gateway(
    models: Models, classification: Classification, workspace: Workspace, sink: Sink | None = None
) -> Gateway:
    """The gateway to the use case's models; ledger rows go to the workspace's volume unless `sink` takes them.

    Raises:
        UserError: payloads are to be encrypted, and the secret with the keys is missing or contains none.
    """
    rows = sink or open_ledger(workspace)
    keys = key_ring(models, workspace)
    return Gateway(models, Policy(classification), lambda settings: open_model(settings, workspace), rows, keys)


def open_ledger(workspace: Workspace) -> Sink:
    """The sink for the schema's volume: writes at once if it is mounted, else uploads in the background."""
    folder = workspace.volume(LEDGER)
    return Spool(folder) if is_mounted(folder) else Uploads(folder)


def open_model(settings: AnyModel, workspace: Workspace) -> LanguageModel:
    """One model, without the gateway's policy, limits and ledger. Large models load on first use.

    Raises:
        Unavailable: its file, library, address or key is missing.
    """
    if isinstance(settings, OpenAICompatible):
        from ragops.answers.llms.providers.openai_compatible import OpenAICompatibleModel  # takes a second to import

        return OpenAICompatibleModel(settings, _access(settings, workspace))
    if isinstance(settings, OpenVinoGguf):
        return OpenVinoGgufModel(settings, gguf_file(settings.name, settings.source, workspace.path))
    if isinstance(settings, VllmOffline):
        return VllmOfflineModel(settings)
    if isinstance(settings, Extractive):
        return ExtractiveModel(settings)
    return ScriptedModel(settings.replies, settings.name, settings.context_tokens)


def key_ring(models: Models, workspace: Workspace) -> KeyRing | None:
    """The keys for payloads; None if the use case records none. Raises UserError if the secret contains none."""
    if models.ledger.payloads == "none":
        return None
    return KeyRing.parse(secret(workspace.secret_scope, models.ledger.key))


def _access(settings: OpenAICompatible, workspace: Workspace) -> Access:
    from ragops.answers.llms.providers.openai_compatible import Access

    try:
        if settings.base_url is None:
            server = Serving()
            if not server.address:
                raise UserError("no serving endpoint configured; set OPENAI_BASE_URL, or choose another model")
            return Access(server.address, server.token if server.token() else "")
        if settings.key is None:
            return Access(settings.base_url)
        key = secret(workspace.secret_scope, settings.key)
        check_key(f"secret {workspace.secret_scope}/{settings.key}", key)
        return Access(settings.base_url, key)
    except UserError as error:
        raise Unavailable(f"Model {settings.name}: {error}") from error


def why_unavailable(settings: AnyModel, workspace: Workspace) -> str:
    """Why a model is not available, found out without calling it; "" if its library, file or server is there."""
    if isinstance(settings, OpenAICompatible):
        return _no_connection(settings.base_url or Serving().address)
    if isinstance(settings, OpenVinoGguf):
        return _missing("openvino_genai") or _no_file(settings, workspace)
    return _missing("vllm") if isinstance(settings, VllmOffline) else ""


def _no_connection(base_url: str) -> str:
    if not base_url:
        return "OPENAI_BASE_URL is not set"
    address = urlsplit(base_url)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        return f"{address.netloc}: {getattr(error, 'strerror', None) or error}"
    return ""


def _missing(library: str) -> str:
    return "" if importlib.util.find_spec(library) else f"{library} is not installed"


def _no_file(settings: OpenVinoGguf, workspace: Workspace) -> str:
    try:
        gguf_file(settings.name, settings.source, workspace.path)
    except UserError as error:
        return failure_reason(error)
    return ""

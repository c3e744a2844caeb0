"""Whether a model can be had here, found out without asking it anything."""

from __future__ import annotations

import importlib.util
import socket
from urllib.parse import urlsplit

from ragops.answers.llms.providers.openvino_gguf import gguf_file
from ragops.answers.llms.settings import AnyModel, OpenAICompatible, OpenVinoGguf, VllmOffline
from ragops.errors import UserError
from ragops.platform.model_servers import Serving
from ragops.platform.workspace import Workspace

_SECONDS_TO_CONNECT = 3.0


def why_unavailable(settings: AnyModel, workspace: Workspace) -> str:
    """The reason in a few words; "" for a model whose library, file or server is there."""
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
        socket.create_connection((address.hostname or "", port), _SECONDS_TO_CONNECT).close()
    except (OSError, ValueError) as error:
        return f"{address.netloc}: {getattr(error, 'strerror', None) or error}"
    return ""


def _missing(library: str) -> str:
    return "" if importlib.util.find_spec(library) else f"{library} is not installed"


def _no_file(settings: OpenVinoGguf, workspace: Workspace) -> str:
    try:
        gguf_file(settings.name, settings.source, workspace.path)
    except UserError as error:
        return str(error).partition(": ")[2]
    return ""

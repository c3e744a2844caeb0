"""From a model's settings in usecase.yml to the model itself, in this place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragops.answers.llms.errors import Unavailable
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.ledger import Sink, Spool
from ragops.answers.llms.ledger.uploads import Uploads
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


def open_gateway(
    models: Models, classification: Classification, workspace: Workspace, sink: Sink | None = None
) -> Gateway:
    """The gateway to the use case's models in this place; rows of the ledger go to its volume unless `sink` takes them.

    Raises:
        UserError: payloads shall be encrypted, and the secret with the keys is missing or holds none.
    """
    rows = sink or open_ledger(workspace)
    keys = key_ring(models, workspace)
    return Gateway(models, Policy(classification), lambda settings: open_model(settings, workspace), rows, keys)


def open_ledger(workspace: Workspace) -> Sink:
    """The way of rows to the schema's volume: at once where it is mounted, else in the background."""
    folder = workspace.volume(LEDGER)
    return Spool(folder) if is_mounted(folder) else Uploads(folder)


def open_model(settings: AnyModel, workspace: Workspace) -> LanguageModel:
    """One model, without the gateway's policy, limits and ledger. Heavy ones load when first asked.

    Raises:
        Unavailable: its file, library, address or key is missing here.
    """
    if isinstance(settings, OpenAICompatible):
        from ragops.answers.llms.providers.openai_compatible import OpenAICompatibleModel  # a second to import

        return OpenAICompatibleModel(settings, _access(settings, workspace))
    if isinstance(settings, OpenVinoGguf):
        return OpenVinoGgufModel(settings, gguf_file(settings.name, settings.source, workspace.path))
    if isinstance(settings, VllmOffline):
        return VllmOfflineModel(settings)
    if isinstance(settings, Extractive):
        return ExtractiveModel(settings)
    return ScriptedModel(settings.replies, settings.name, settings.context_tokens)


def key_ring(models: Models, workspace: Workspace) -> KeyRing | None:
    """The keys that seal payloads; None where the use case keeps none. Raises UserError when the secret holds none."""
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

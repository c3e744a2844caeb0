"""Credentials: the client of the Databricks workspace, and secrets."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragops.errors import UserError, needing
from ragops.platform.compute import in_model_serving, on_databricks
from ragops.platform.config_files import read_json
from ragops.platform.workspace import find_local_home
from ragops.text import one_line

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_KEY_BYTES = 32
_LOG_IN = "log in with: databricks auth login --host URL"
_LOG_IN_SERVING = (
    "set the secrets endpoint-client-id and endpoint-client-secret of a service principal, and release again; or give "
    "the endpoint DATABRICKS_HOST, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET"
)


class SecretNotSet(UserError):
    """The secret does not exist."""


def workspace_client(answer_seconds: float = 60, retry_seconds: int = 300) -> WorkspaceClient:
    """A client of the Databricks workspace that this process runs in, or that the user is logged in to.

    Args:
        answer_seconds: how long it waits for a response or its next bytes.
        retry_seconds: how long it retries failed requests.

    Raises:
        UserError: there are no credentials.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    try:
        return WorkspaceClient(config=Config(http_timeout_seconds=answer_seconds, retry_timeout_seconds=retry_seconds))
    except ValueError as error:
        fix = _LOG_IN_SERVING if in_model_serving() else _LOG_IN
        raise UserError(f"Databricks: {one_line(error, 200)}; {fix}") from error


def secret(scope: str, key: str) -> str:
    """A secret's value: from the workspace's scope; on a laptop from the environment or the local workspace's file.

    Raises:
        SecretNotSet: it does not exist.
        UserError: it cannot be read, for lack of rights or at the moment.
    """
    return _workspace_secret(scope, key) if on_databricks() else _local_secret(scope, key)


def secret_names(scope: str) -> list[str]:
    """The names of a scope's secrets, sorted.

    Raises:
        UserError: the scope cannot be read.
    """
    if not on_databricks():
        return sorted(_local_scope(_local_file(), scope))
    with needing("READ", f"secret scope {scope}"):
        return sorted(str(one.key) for one in workspace_client().secrets.list_secrets(scope))


def shared_key(scope: str, name: str, shortest: int) -> bytes:
    """A random key that all processes of a workspace share.

    On Databricks it is the secret `name`; in a local workspace a file that only its user can read, made on first use.
    Without either it is random for this process.

    Args:
        scope: the secret scope.
        name: of the secret, and of the file: NAME.key.
        shortest: the least length that is accepted, in bytes.

    Raises:
        UserError: the key is too short, or its file cannot be read.
    """
    if not on_databricks():
        home = find_local_home()
        return _key_in_file(home / f"{name}.key", shortest) if home else secrets.token_bytes(_KEY_BYTES)
    try:
        key = secret(scope, name).encode()
    except UserError:
        return secrets.token_bytes(_KEY_BYTES)
    return _long_enough(key, shortest, f"secret {scope}/{name}", f"set it with: databricks secrets put-secret {scope}")


def _key_in_file(file: Path, shortest: int) -> bytes:
    fix = "remove it; the next question creates a new one"
    try:
        if not file.exists():
            draft = file.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_bytes(secrets.token_bytes(_KEY_BYTES))
            with suppress(FileExistsError):  # the first of several processes wins, and none reads half a key
                os.link(draft, file)
            draft.unlink()
        return _long_enough(file.read_bytes(), shortest, str(file), fix)
    except OSError as error:
        raise UserError(f"{file}: cannot be read or created ({error.strerror}); {fix}") from error


def _long_enough(key: bytes, shortest: int, what: str, fix: str) -> bytes:
    if len(key) < shortest:
        raise UserError(f"{what}: has {len(key)} bytes, at least {shortest} are required; {fix}")
    return key


def _workspace_secret(scope: str, key: str) -> str:
    from databricks.sdk.errors import NotFound
    from databricks.sdk.errors.base import DatabricksError

    try:
        with needing("READ", f"secret scope {scope}"):
            return base64.b64decode(workspace_client().secrets.get_secret(scope, key).value or "").decode()
    except (DatabricksError, TimeoutError) as error:
        if isinstance(error, NotFound):
            fix = f"set it with: databricks secrets put-secret {scope} {key}"
            raise SecretNotSet(f"secret {scope}/{key}: {one_line(error)}; {fix}") from error
        raise UserError(f"secret {scope}/{key}: cannot be read ({one_line(error)}); try again later") from error


def _local_secret(scope: str, key: str) -> str:
    variable = f"LOCALBUNDLE_SECRET_{scope}_{key}".upper().replace("-", "_")
    if variable in os.environ:
        return os.environ[variable]
    file = _local_file()
    if file is None:
        raise SecretNotSet(f"secret {scope}/{key} is not set; put it into {variable}")
    values = _local_scope(file, scope)
    if key not in values:
        raise SecretNotSet(f"secret {scope}/{key} is not set; put it into {file} or into {variable}")
    return str(values[key])


def _local_file() -> Path | None:
    home = find_local_home()
    return home / "secrets.json" if home else None


def _local_scope(file: Path | None, scope: str) -> dict[str, Any]:
    """A scope's secrets in the local workspace's file; none where the file is missing or has another shape."""
    values = read_json(file).get(scope) if file and file.is_file() else None
    return values if isinstance(values, dict) else {}

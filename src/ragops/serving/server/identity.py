"""Who asks, and which groups they belong to: never what the request's body says."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from cachetools import TTLCache

from ragops.serving.server.types import Refused
from ragops.text import reason

_log = logging.getLogger(__name__)

_NAMES = ("x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-user")
_TOKEN = "x-forwarded-access-token"
_USERS, _GROUPS_S = 5_000, 300.0  # how many users' groups are kept, and how long
_ANSWER_S = 10

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user's name, for ledger and traces, and groups, for access."""

    name: str
    groups: tuple[str, ...]


Identify = Callable[[Headers], Identity]
"""From the headers of a request to its sender; may take the time of a request to the workspace.

Raises:
    Refused: 401, the headers name nobody.
"""


def always(identity: Identity) -> Identify:
    """Everyone is the same user: the user who started the server on a laptop."""
    return lambda headers: identity


class AppIdentity:
    """Users of a Databricks App: the platform's proxy names them in headers that nobody else can set there.

    Their groups come from the workspace, with the token that the proxy forwards for them; without one they have none.
    """

    def __init__(self, groups_of: Callable[[str], Collection[str]], known: Collection[str] = ()) -> None:
        """Makes the function.

        Args:
            groups_of: the groups of the user with this token.
            known: the use case's groups; users have many more, which no passage names. Empty: all count.
        """
        self._groups_of, self._known = groups_of, frozenset(known)
        self._groups: TTLCache[str, tuple[str, ...]] = TTLCache(_USERS, _GROUPS_S)
        self._lock = threading.Lock()

    def __call__(self, headers: Headers) -> Identity:
        """The sender of a request. Raises Refused if the proxy names none."""
        name = next(filter(None, (headers.get(one, "").strip() for one in _NAMES)), "")
        if not name:
            raise Refused(401, "no_user", "request: the platform names no user; open the App by its own address")
        return Identity(name, self._of(headers.get(_TOKEN, "")))

    def _of(self, token: str) -> tuple[str, ...]:
        if not token:
            return ()
        key = hashlib.sha256(token.encode()).hexdigest()  # tokens are not kept
        with self._lock:
            found = self._groups.get(key)
        if found is None:
            try:
                groups = set(self._groups_of(token))
            except Exception as error:  # the SDK's, of the network; the next request asks again
                _log.warning("groups of a user are unknown, so none count: %s", reason(error))
                return ()
            found = tuple(sorted(groups & self._known if self._known else groups))
            with self._lock:
                self._groups[key] = found
        return found


def workspace_groups(token: str) -> list[str]:
    """The names of the groups of the user whose token it is. Raises the SDK's errors."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    # The App's own credentials are in the environment too; without auth_type the SDK refuses to choose.
    config = Config(token=token, auth_type="pat", http_timeout_seconds=_ANSWER_S, retry_timeout_seconds=_ANSWER_S)
    groups = WorkspaceClient(config=config).current_user.me().groups or []
    return [one.display for one in groups if one.display]

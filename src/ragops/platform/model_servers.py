"""Servers of models that speak OpenAI's API: their addresses, their owners, and the meaning of their refusals."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragops.errors import UserError
from ragops.platform.compute import on_databricks
from ragops.platform.credentials import workspace_client

if TYPE_CHECKING:
    from databricks.sdk.config import Config

_TRANSIENT = frozenset({408, 409, 425, 429})


class Serving:
    """The server used where usecase.yml gives no address: the workspace's own endpoints, or what OPENAI_BASE_URL names.

    Attributes:
        ours: True on Databricks, where the server is the workspace's own. Known without credentials.
    """

    def __init__(self) -> None:
        self.ours = on_databricks()

    @property
    def address(self) -> str:
        """Its base URL; "" if there is none. Raises UserError on Databricks without credentials."""
        return f"{self._config.host}/serving-endpoints" if self.ours else os.environ.get("OPENAI_BASE_URL", "")

    def token(self) -> str:
        """A token that is valid now; "" if there is none.

        Raises:
            UserError: OPENAI_API_KEY cannot be sent, or there are no credentials on Databricks.
        """
        if self.ours:
            return self._config.authenticate().get("Authorization", "").removeprefix("Bearer ")
        key = os.environ.get("OPENAI_API_KEY", "")
        check_key("OPENAI_API_KEY", key)
        return key

    def owns(self, address: str) -> bool:
        """Whether an address is one of the workspace's own endpoints."""
        return self.ours and f"{address}/".startswith(f"{self.address}/")

    def token_for(self, address: str) -> Callable[[], str]:
        """The tokens to send to an address: a workspace's go to its own endpoints only."""
        return self.token if self.owns(address) or not self.ours else lambda: ""

    @cached_property
    def _config(self) -> Config:
        return workspace_client().config


def check_key(name: str, key: str) -> None:
    """Checks a key before an HTTP client fails on it with a message that shows it.

    Raises:
        UserError: no HTTP header can carry the key.
    """
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"{name} contains a line break or another character that a key cannot have; set it again")


def is_this_machine(base_url: str) -> bool:
    """Whether an address is a loopback one: localhost, 127.0.0.0/8 or ::1."""
    try:
        host = urlsplit(base_url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name, or not an address at all
        return False


def is_transient(status: int) -> bool:
    """Whether the same request may succeed later: the server is busy, or failed (HTTP 5xx)."""
    return status in _TRANSIENT or status >= 500


def refusal(status: int, location: str, details: str) -> str:
    """Why a server refuses a request for good, and what to do about it.

    Args:
        status: of HTTP.
        location: the address it redirects to; "" if it does not. Redirects are never followed: texts and tokens go to
            the configured address only.
        details: status and the server's own words, in one line.
    """
    if location:
        return f"it redirects to {location}; the redirect was not followed; correct its base URL"
    if status in {401, 403}:
        return f"{details}; use a token that may query it (CAN QUERY in a workspace)"
    return f"{details}; correct the model in usecase.yml"

"""The fields of a request that a server takes: all of them, until it refuses one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from ragops.answers.llms.settings import OptionalField

_DATABRICKS_PATH = "/serving-endpoints"


class Fields:
    """What one server takes. Threads may share it: what they learn only adds up."""

    def __init__(self, omit: Collection[OptionalField], base_url: str) -> None:
        """Begins with what is known: `omit` from the use case, and what Databricks' model API refuses."""
        self._refused: set[str] = set(omit)
        if urlsplit(base_url).path.rstrip("/").endswith(_DATABRICKS_PATH):
            self._refused.add("stream_options")  # its own models send usage unasked

    def sent(self, body: Mapping[str, Any], refused: Collection[str] = ()) -> dict[str, Any]:
        """What of a body is sent; its `max_tokens` by the other name where the server takes only that.

        `refused`: fields that it refused in this request, which are not known to be the reason yet.
        """
        without = self._refused | set(refused)
        sent = {name: value for name, value in body.items() if name not in without}
        if "max_tokens" not in sent and "max_completion_tokens" not in without:
            sent["max_completion_tokens"] = body["max_tokens"]
        return sent

    def leave_out(self, names: Collection[str]) -> list[str]:
        """Leaves these fields out from now on; those of them that were sent until now."""
        new = sorted(set(names) - self._refused)
        self._refused.update(new)
        return new

    def takes_stop(self) -> bool:
        """Whether the server ends an answer at `stop`; else whoever asks cuts it there, once it is whole."""
        return "stop" not in self._refused

    def streams(self, stop: Collection[str], refused: Collection[str] = ()) -> bool:
        """Whether an answer that ends at one of `stop`, if there are any, can be had in pieces."""
        without = self._refused | set(refused)
        return "stream" not in without and not (stop and "stop" in without)

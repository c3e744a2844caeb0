"""The secret scope: whether it may be read, and whether what the use case needs is in it. No value is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ragops.doctor.findings import Finding, State, line
from ragops.platform.credentials import secret_names
from ragops.platform.workspace import Workspace


def check_secrets(workspace: Workspace, wanted: Collection[str]) -> Iterator[Finding]:
    """Whether the scope may be read, and a row for each secret that the use case needs."""
    scope = workspace.secret_scope
    try:
        held = secret_names(scope)
    except Exception as error:
        state: State = "missing" if wanted else "unknown"
        yield Finding("scope", f"{scope}: {line(error)}", state, "grant READ: see docs/rights.md for who can")
        return
    yield Finding("scope", f"{scope} may be read; holds {', '.join(held) or 'nothing'}")
    for name in wanted:
        if name not in held:
            to_do = f"databricks secrets put-secret {scope} {name}; on a laptop: secrets.json of the local workspace"
            yield Finding(name, "the use case needs it, and it is not there", "missing", to_do)

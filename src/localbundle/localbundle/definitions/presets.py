"""What `mode: development` and `presets` do to names. Rules: databricks/cli, apply_presets.go."""

import re
from collections.abc import Mapping
from typing import Any

from localbundle.definitions.yamlfile import in_place_of
from localbundle.errors import BundleError

_TITLE_KINDS = ("jobs", "pipelines", "experiments", "models", "dashboards", "clusters")
_IDENTIFIER_KINDS = ("schemas", "registered_models", "model_serving_endpoints")
PREFIXED_KINDS = (*_TITLE_KINDS, *_IDENTIFIER_KINDS)
_MODES = ("development", "production")
_DEVELOPMENT_CONCURRENCY = 4


def apply_presets(config: dict[str, Any]) -> dict[str, Any]:
    """The config with resource names prefixed and, in development, schedules paused and concurrent runs allowed.

    Raises:
        BundleError: the target's mode is unknown.
    """
    mode = config.get("mode")
    if mode is not None and mode not in _MODES:
        raise BundleError(f"target mode {mode} is unknown; use {' or '.join(_MODES)}")
    presets = config.get("presets") or {}
    user = config["workspace"]["current_user"]["short_name"]
    prefix = presets.get("name_prefix", f"[dev {user}] " if mode == "development" else "")
    resources = {
        kind: {key: _prefixed(kind, resource or {}, prefix) for key, resource in (entries or {}).items()}
        for kind, entries in config["resources"].items()
    }
    if mode == "development":
        limit = presets.get("jobs_max_concurrent_runs", _DEVELOPMENT_CONCURRENCY)
        resources["jobs"] = {key: _in_development(job, limit) for key, job in resources.get("jobs", {}).items()}
    return {**config, "resources": resources}


def _prefixed(kind: str, resource: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    if not prefix or "name" not in resource:
        return dict(resource)
    name = str(resource["name"])
    if kind in _TITLE_KINDS:
        # An experiment's name is a workspace path: its last part is prefixed.
        folder, slash, last = name.rpartition("/")
        return {**resource, "name": in_place_of(resource["name"], f"{folder}{slash}{prefix}{last}")}
    if kind in _IDENTIFIER_KINDS:
        head = re.sub(r"[^A-Za-z0-9]+", "_", prefix).strip("_")
        return {**resource, "name": in_place_of(resource["name"], f"{head}_{name}")}
    return dict(resource)


def _in_development(job: dict[str, Any], concurrency: int) -> dict[str, Any]:
    paused: dict[str, Any] = {
        trigger: {"pause_status": "PAUSED", **job[trigger]}  # an explicit UNPAUSED stays, as with the CLI
        for trigger in ("schedule", "trigger", "continuous")
        if job.get(trigger)
    }
    return {"max_concurrent_runs": concurrency, **job, **paused}

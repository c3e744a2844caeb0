"""Who may change an endpoint, and who may ask it.

Whoever creates one may manage it, and so may the workspace's admins; all others are let in by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragops.releases.settings import EndpointSettings

if TYPE_CHECKING:
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def access(settings: EndpointSettings) -> list[ServingEndpointAccessControlRequest]:
    """What the platform is asked for; who is among managers and callers may manage."""
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest, ServingEndpointPermissionLevel

    query, manage = ServingEndpointPermissionLevel.CAN_QUERY, ServingEndpointPermissionLevel.CAN_MANAGE
    levels = dict.fromkeys(settings.callers, query) | dict.fromkeys(settings.managers, manage)
    return [
        ServingEndpointAccessControlRequest.from_dict({kind(name): name, "permission_level": level.value})
        for name, level in levels.items()
    ]


def kind(name: str) -> str:
    """Which of the platform's fields names them: a person's has an @, a service principal's is an application id."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"

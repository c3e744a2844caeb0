"""Who may change an endpoint, and who may ask it.

Whoever creates one may manage it, and so may the workspace's admins; all others are let in by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ragops.serving.endpoint.settings import EndpointSettings

if TYPE_CHECKING:
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest, ServingEndpointAccessControlResponse

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def access(settings: EndpointSettings, managing: Collection[str] = ()) -> list[ServingEndpointAccessControlRequest]:
    """What the platform is asked for; who is among managers and callers may manage.

    Nothing for those who are `managing` it already: asked for less, the platform would give them less, and whoever made
    the endpoint may be among its callers.
    """
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest, ServingEndpointPermissionLevel

    query, manage = ServingEndpointPermissionLevel.CAN_QUERY, ServingEndpointPermissionLevel.CAN_MANAGE
    levels = dict.fromkeys(settings.callers, query) | dict.fromkeys(settings.managers, manage)
    return [
        ServingEndpointAccessControlRequest.from_dict({kind(name): name, "permission_level": level.value})
        for name, level in levels.items()
        if name not in managing
    ]


def managing(held: Iterable[ServingEndpointAccessControlResponse]) -> set[str]:
    """Who may manage an endpoint, by the names that they are asked for."""
    from databricks.sdk.service.serving import ServingEndpointPermissionLevel

    manage = ServingEndpointPermissionLevel.CAN_MANAGE
    return {
        one.user_name or one.group_name or one.service_principal_name or ""
        for one in held
        if any(permission.permission_level is manage for permission in one.all_permissions or ())
    }


def kind(name: str) -> str:
    """Which of the platform's fields names them: a person's has an @, a service principal's is an application id."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"

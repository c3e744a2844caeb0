"""Who may change an endpoint, and who may query it.

Its creator and the workspace admins may manage it; all others get access by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.serving.endpoint.client import explained
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.text import reason

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest, ServingEndpointAccessControlResponse

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def grant_access(client: WorkspaceClient, settings: EndpointSettings) -> None:
    """Gives managers and callers their permissions; those of others stay.

    Raises:
        UserError: the workspace does not know one of them, or refuses.
    """
    from databricks.sdk.errors import BadRequest, NotFound

    if not requests(settings):
        return
    api = client.serving_endpoints
    with explained(f"serving endpoint {settings.name}, its permissions"):
        try:
            endpoint_id = api.get(settings.name).id or ""
            current = api.get_permissions(endpoint_id).access_control_list or []
            if wanted := requests(settings, managing(current)):
                api.update_permissions(endpoint_id, access_control_list=wanted)
        except (NotFound, BadRequest) as error:
            names = ", ".join((*settings.managers, *settings.callers))
            raise UserError(
                f"serving endpoint {settings.name}: it serves, but {names} did not get access ({reason(error)}); "
                "correct rights.endpoint in databricks.yml or create the missing principal, then release again"
            ) from error


def requests(settings: EndpointSettings, managing: Collection[str] = ()) -> list[ServingEndpointAccessControlRequest]:
    """The permissions to request; a principal that is both manager and caller may manage.

    Those who are already `managing` are left out: a request for less would lower their permission, and the creator of
    the endpoint may be one of the callers.
    """
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest, ServingEndpointPermissionLevel

    query, manage = ServingEndpointPermissionLevel.CAN_QUERY, ServingEndpointPermissionLevel.CAN_MANAGE
    levels = dict.fromkeys(settings.callers, query) | dict.fromkeys(settings.managers, manage)
    return [
        ServingEndpointAccessControlRequest.from_dict({principal_field(name): name, "permission_level": level.value})
        for name, level in levels.items()
        if name not in managing
    ]


def managing(current: Iterable[ServingEndpointAccessControlResponse]) -> set[str]:
    """The names of the principals that may manage an endpoint."""
    from databricks.sdk.service.serving import ServingEndpointPermissionLevel

    manage = ServingEndpointPermissionLevel.CAN_MANAGE
    return {
        one.user_name or one.group_name or one.service_principal_name or ""
        for one in current
        if any(permission.permission_level is manage for permission in one.all_permissions or ())
    }


def principal_field(name: str) -> str:
    """The API's field for a name: users have an @, service principals an application id, all others are groups."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"

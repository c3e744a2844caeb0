"""Permissions are requested by the fields and levels of the platform's API."""

import pytest

from ragops.serving.endpoint.access import principal_field, requests
from ragops.serving.endpoint.settings import EndpointSettings


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ragops-callers", "group_name"),
        ("All people of the team", "group_name"),
        ("me@example.com", "user_name"),
        ("00000000-0000-0000-0000-00000000000A", "service_principal_name"),
        ("00000000-0000-0000-0000", "group_name"),
    ],
)
def test_the_form_of_a_name_decides_its_field(name: str, field: str) -> None:
    assert principal_field(name) == field


def test_a_manager_is_not_also_requested_as_a_caller() -> None:
    settings = EndpointSettings(name="rag", managers=("admins",), callers=("admins", "callers"))
    assert [one.as_dict() for one in requests(settings)] == [
        {"group_name": "admins", "permission_level": "CAN_MANAGE"},
        {"group_name": "callers", "permission_level": "CAN_QUERY"},
    ]
    assert requests(EndpointSettings(name="rag")) == []

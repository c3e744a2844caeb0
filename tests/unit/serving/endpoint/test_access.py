"""Who is let in is named as the platform names them."""

import pytest

from ragops.serving.endpoint.access import access, kind
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
def test_a_name_says_what_it_is(name: str, field: str) -> None:
    assert kind(name) == field


def test_who_manages_may_ask_too() -> None:
    settings = EndpointSettings(name="rag", managers=("admins",), callers=("admins", "callers"))
    assert [one.as_dict() for one in access(settings)] == [
        {"group_name": "admins", "permission_level": "CAN_MANAGE"},
        {"group_name": "callers", "permission_level": "CAN_QUERY"},
    ]
    assert access(EndpointSettings(name="rag")) == []

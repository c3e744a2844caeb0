"""Who asks, and which groups they belong to."""

import json
from typing import Any

import pytest

from ragops.serving.server.identity import AppIdentity, Identity, always, workspace_groups
from ragops.serving.server.types import Refused
from tests.support.http_server import QuietHandler, serve

JANE = {"x-forwarded-email": "jane@firm", "x-forwarded-user": "123@456", "x-forwarded-access-token": "t1"}


def test_on_a_laptop_headers_change_nothing() -> None:
    me = Identity("root", ("staff",))
    assert always(me)(JANE) == me


def test_a_users_groups_come_from_the_workspace_and_only_known_ones_count() -> None:
    identify = AppIdentity(lambda token: {"t1": ["users", "hr"]}[token], ["hr", "legal"])
    assert identify(JANE) == Identity("jane@firm", ("hr",))
    assert AppIdentity(lambda token: ["users", "hr"])(JANE).groups == ("hr", "users")


@pytest.mark.parametrize("missing", ["x-forwarded-email", "x-forwarded-preferred-username"])
def test_without_an_address_the_next_name_counts(missing: str) -> None:
    headers = {name: value for name, value in JANE.items() if name != missing}
    assert AppIdentity(lambda token: [])(headers).name in ("jane@firm", "123@456")


def test_without_a_name_a_request_is_refused() -> None:
    with pytest.raises(Refused, match="names no user") as refused:
        AppIdentity(lambda token: [])({"x-forwarded-access-token": "t1"})
    assert refused.value.status == 401


def test_without_a_token_there_are_no_groups() -> None:
    def never(token: str) -> list[str]:
        raise AssertionError(token)

    assert AppIdentity(never)({"x-forwarded-email": "jane@firm"}) == Identity("jane@firm", ())


def test_groups_are_asked_for_once_and_never_mixed_up() -> None:
    asked: list[str] = []

    def groups_of(token: str) -> list[str]:
        asked.append(token)
        return [token]

    identify = AppIdentity(groups_of)
    for token in ("t1", "t2", "t1", "t2"):
        assert identify(JANE | {"x-forwarded-access-token": token}).groups == (token,)
    assert asked == ["t1", "t2"]


def test_if_the_workspace_does_not_answer_no_group_counts_and_the_next_request_asks_again() -> None:
    answers: list[Any] = [OSError("down"), ["hr"]]

    def groups_of(token: str) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    identify = AppIdentity(groups_of)
    assert identify(JANE).groups == ()
    assert identify(JANE).groups == ("hr",)


class _Me(QuietHandler):
    tokens: list[str]

    def do_GET(self) -> None:
        self.tokens.append(f"{self.path} {self.headers['Authorization']}")
        body = json.dumps({"userName": "jane@firm", "groups": [{"display": "hr"}, {"value": "no name"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_groups_are_read_with_the_users_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[str] = []
    with serve(_Me, tokens=tokens) as address:
        monkeypatch.setenv("DATABRICKS_HOST", address)
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", "the App's own")
        monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", "the App's own")
        assert workspace_groups("t1") == ["hr"]
    (asked,) = (one for one in tokens if "scim" in one)
    assert asked == "/api/2.0/preview/scim/v2/Me Bearer t1"

"""Pages of users & access that are older than what they show, or fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from schema.tables import USER_GROUPS, USERS
from tests.console.access_place import Place, notice
from tests.whole_server import WholeServer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with WholeServer(tmp_path_factory.mktemp("access") / "data") as server:
        place = Place(server)
        yield place
        place.client.close()


def shown(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(was_[a-z_]+)" value="([^"]*)"', page))


def test_an_old_form_takes_back_nothing_that_somebody_else_changed(place: Place) -> None:
    user = place.server.person("old-form", is_admin=True)
    here = f"/admin/users/{user}?tab=access&do=change"
    was = shown(place.page(here))
    assert was["was_is_admin"] == "yes"
    demoted = place.client.patch(f"/api/admin/users/{user}", json={"is_admin": False})
    assert demoted.status_code == 200
    mine = {"email": was["was_email"], "name": "Renamed", "is_admin": "yes"}
    assert "name changed" in notice(place.done(here, update_user=user, **mine, **was))
    (row,) = place.rows(USERS, id=user)
    assert (row["name"], row["is_admin"]) == ("Renamed", False)

    group = place.group("Old form")
    here = f"/admin/groups?group={group}&do=change"
    was = shown(place.page(here))
    place.client.patch(f"/api/admin/groups/{group}", json={"claim": "eng"})
    place.done(here, update_group=group, name="New name", description="", claim="", **was)
    (row,) = place.rows(USER_GROUPS, id=group)
    assert (row["name"], row["claim"]) == ("New name", "eng")


def test_a_filter_by_a_group_that_is_no_more_says_so(place: Place) -> None:
    shown = place.client.get("/admin/users?group=no-such-group")
    assert shown.status_code == 200
    assert "a group that is no more" in shown.text


def test_tokens_of_one_person_say_whose_they_are(place: Place) -> None:
    place.server.token(place.ben)
    shown = place.page(f"/admin/tokens?user_id={place.ben}")
    assert re.search("Only tokens of <b><bdi>ben[^<]*@", shown)
    assert "Only tokens of <b>one person</b>" in place.page("/admin/tokens?user_id=nobody")
    assert "Only tokens of" not in place.page("/admin/tokens")


def test_what_nobody_foresaw_is_a_page_too(place: Place, monkeypatch: Any) -> None:
    def broken(reading: Any) -> None:
        raise RuntimeError("the secret of a stranger")

    monkeypatch.setattr("console.pages.access.users.everybody", broken)
    shown = place.client.get("/admin/users")
    assert shown.status_code == 500
    assert "Something failed here" in shown.text
    assert "stranger" not in shown.text
    assert shown.headers["X-Correlation-ID"]

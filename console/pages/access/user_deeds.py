"""What the buttons about people do: add, change, deactivate, let in, sign out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from console.identity import users, web_sessions
from console.identity.sign_in import new_link
from console.pages.access.desk import Deed, Desk, Done, Once
from schema.errors import BadParameter, BadRequest

MOST = 200  # people in one go


async def create(desk: Desk, _: str) -> Done:
    """With a password, or with a link that is shown once. People are added by their e-mail."""
    given: dict[str, Any] = {"email": desk.need("email", "an e-mail such as ana@example.org")}
    if desk.text("name"):
        given["name"] = desk.text("name")
    given["is_admin"] = desk.flag("is_admin")
    password = desk.fields.get("password", "")
    if password:
        given["password_hash"] = await _hashed(desk, password)
    add = users.create(desk.caller, **given)
    row, event = await desk.write(add)
    if password or desk.text("way") == "none":
        return Done(event)
    once = await _link(desk, row["id"])
    return Done(event, once=once[0])


async def update(desk: Desk, user: str) -> Done:
    """E-mail, name, admin, and a password where one is typed. What is left as it was is no
    change."""
    wanted: dict[str, Any] = {
        "email": desk.need("email", "an e-mail such as ana@example.org"),
        "name": desk.text("name") or None,
        "is_admin": desk.flag("is_admin"),
    }
    wanted = desk.edited(wanted)
    if desk.fields.get("password"):
        wanted["password_hash"] = await _hashed(desk, desk.fields["password"])
    _, event = await desk.write(users.update(desk.caller, user, wanted, keep_session=desk.secret))
    return Done(event)


async def deactivate(desk: Desk, user: str) -> Done:
    _, event = await desk.write(users.deactivate(desk.caller, user))
    return Done(event)


async def activate(desk: Desk, user: str) -> Done:
    _, event = await desk.write(users.update(desk.caller, user, {"is_active": True}))
    return Done(event)


async def unlink(desk: Desk, user: str) -> Done:
    """Forget whom they are at the OpenID provider."""
    _, event = await desk.write(users.update(desk.caller, user, {"oidc_subject": None}))
    return Done(event)


async def deactivate_chosen(desk: Desk, _: str) -> Done:
    """All of them or, where one cannot be, none."""
    chosen = list(dict.fromkeys(desk.chosen))
    if not chosen:
        raise BadRequest("nobody is ticked", detail="Tick people (x) first.")
    if len(chosen) > MOST:
        raise BadParameter("chosen", len(chosen), f"at most {MOST} people")
    if not desk.flag("sure"):
        raise BadRequest(
            "nobody is deactivated without a second thought", detail="Tick “I am sure”, too."
        )
    if desk.caller.me.user_id in chosen:
        raise BadRequest("you are one of them", detail="Untick yourself: it would sign you out.")
    _, event = await desk.write(*(users.deactivate(desk.caller, one) for one in chosen))
    said = f"{len(chosen)} people are deactivated." if len(chosen) > 1 else ""
    return Done(event, said=said)


async def link(desk: Desk, user: str) -> Done:
    once, event = await _link(desk, user)
    return Done(event, once=once)


async def end_session(desk: Desk, session: str) -> Done:
    user = desk.need("user", "whose browser it is")
    _, event = await desk.write(web_sessions.end_one(desk.caller, user, session))
    return Done(event)


async def _link(desk: Desk, user: str) -> tuple[Once, str]:
    secret = secrets.token_urlsafe(32)
    row, event = await desk.write(new_link(desk.caller, user, secret))
    return Once("link", f"{desk.address}/login?link={secret}", row["email"]), event


async def _hashed(desk: Desk, password: str) -> str:
    instance = desk.instance
    return await instance.sign_in.passwords.hashed(instance.store, password)


_FIELDS = ("email", "name", "is_admin", "password")
_WAS = ("was_email", "was_name", "was_is_admin")
DEEDS: Mapping[str, Deed] = {
    "create_user": Deed("user.create", create, (*_FIELDS, "way")),
    "update_user": Deed("user.update", update, (*_FIELDS, *_WAS), "user"),
    "deactivate": Deed("user.deactivate", deactivate, noun="user"),
    "deactivate_chosen": Deed("user.deactivate", deactivate_chosen, ("sure",)),
    "activate": Deed("user.update", activate, noun="user"),
    "unlink": Deed("user.update", unlink, noun="user"),
    "link": Deed("user.sign_in_link", link, noun="user"),
    "end_session": Deed("auth.logout", end_session, ("user",)),
}

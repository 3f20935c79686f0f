"""Beginning and ending to view as somebody: what page and API both do. SPEC sections 16 and 17."""

from __future__ import annotations

from typing import Any

from console.audit import Caller
from console.identity.lookup import one
from console.identity.view_as import Held, row
from console.instance import Instance
from schema.errors import BadParameter, Conflict
from schema.tables import USERS
from schema.transaction import Transaction


async def begin(instance: Instance, caller: Caller, user_id: str) -> Held:
    """An admin views as somebody, from now on with all that comes with the same credential. Raises
    NotFound, BadParameter for oneself and for admins, Conflict for a deactivated account."""
    views = instance.gate.views
    held = views.planned(caller, user_id)

    def step(transaction: Transaction) -> None:
        user = one(transaction, USERS, "user", user_id)
        if user_id == caller.me.user_id:
            raise BadParameter("user_id", user_id, "somebody else")
        if user["is_admin"]:
            raise BadParameter("user_id", user_id, "somebody who is no admin: admins see alike")
        if not user["is_active"]:
            raise Conflict(f"{user['email']} is deactivated and sees nothing")
        transaction.insert(row(held, caller, begins=True))

    await instance.store.awrite(step)
    views.begin(held)
    return held


async def end(instance: Instance, caller: Caller) -> Held:
    """Back to one's own eyes. Raises Conflict for whoever views as nobody."""
    views = instance.gate.views
    held = views.of(caller.credential)
    if held is None:
        raise Conflict("you view as nobody", detail="It ends by itself after half an hour.")
    await instance.store.awrite(row(held, caller))
    views.end(held)
    return held


def shown(instance: Instance, held: Held | None) -> dict[str, Any]:
    """The state of it, as the API tells it."""
    if held is None:
        return {"viewing": False, "user_id": None, "email": None, "name": None, "until": None}
    person = instance.people.get(held.user_id)
    return {
        "viewing": True,
        "user_id": held.user_id,
        "email": person.email if person else None,
        "name": person.name if person else None,
        "until": held.view.until,
    }

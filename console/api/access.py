"""`/api/check-access`: may I (for admins: may this user) open that, and which rule says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.audit import entry
from console.handler import Handler
from console.identity.access import Decision, decide
from console.identity.gate import load_principal
from console.identity.lookup import only, where
from console.identity.rights import SIGNED_IN, Right
from schema.errors import Forbidden
from schema.tables import USERS


class CheckAccess(Handler):
    harmless = ("POST",)
    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "data.access_check"}

    async def post(self) -> None:
        self.query(())
        given = self.body(
            {"resource_type": str, "resource_id": str, "user_id": str}, need=("resource_type",)
        )
        user_id = given.get("user_id", self.caller.me.user_id)
        resource_id = given.get("resource_id") or None  # clients send both keys, whatever the type
        if user_id != self.caller.me.user_id and not self.caller.me.is_admin:
            raise Forbidden("only an admin may ask about others", detail="Leave user_id out.")
        store = self.instance.store

        def decision() -> Decision:
            only(store.read(where(USERS, id=user_id)).to_pylist(), "user", user_id)
            principal = load_principal(store, user_id, self.caller.me.kind)
            return decide(store, principal, given["resource_type"], resource_id)

        found = await store.offload(decision)
        resource = ":".join(filter(None, (given["resource_type"], resource_id)))
        row = entry(
            self.caller,
            "data.access_check",
            resource=resource,
            params={**given, "user_id": user_id, "rule": found.rule},
            result="success" if found.allowed else "denied",
        )
        await self.instance.record(row)
        self.send({"allowed": found.allowed, "rule": found.rule})


ROUTES = [(r"/api/check-access", CheckAccess)]

"""What the buttons about groups do: make, change, delete them, who is in them, what they open."""

from __future__ import annotations

from collections.abc import Mapping

from console.changes.rollback import rollback
from console.identity import grants, groups
from console.pages.access.desk import Deed, Desk, Done
from schema.errors import BadParameter


async def create(desk: Desk, _: str) -> Done:
    name = desk.need("name", "a name that tells who is in it")
    about = {field: desk.text(field) or None for field in ("description", "claim")}
    row, event = await desk.write(groups.create(desk.caller, name=name, **about))
    return Done(event, to={"group": row["id"]})


async def update(desk: Desk, group: str) -> Done:
    wanted: dict[str, str | None] = {"name": desk.need("name", "a name that tells who is in it")}
    wanted |= {field: desk.text(field) or None for field in ("description", "claim")}
    _, event = await desk.write(groups.update(desk.caller, group, desk.edited(wanted)))
    return Done(event)


async def delete(desk: Desk, group: str) -> Done:
    _, event = await desk.write(groups.delete(desk.caller, group))
    return Done(event, to={"group": None})


async def add_member(desk: Desk, group: str) -> Done:
    user = desk.person("who")
    _, event = await desk.write(groups.add_member(desk.caller, group, user))
    return Done(event)


async def remove_member(desk: Desk, value: str) -> Done:
    """`<group>/<user>`."""
    group, _, user = value.partition("/")
    _, event = await desk.write(groups.remove_member(desk.caller, group, user))
    return Done(event)


async def join(desk: Desk, user: str) -> Done:
    """From somebody's page: into the group that is chosen there."""
    group = desk.need("group", "choose a group")
    _, event = await desk.write(groups.add_member(desk.caller, group, user))
    return Done(event)


async def grant(desk: Desk, value: str) -> Done:
    """`<group>/<type>[:<table>]`; with a group alone, what the field `resource` names."""
    group, _, key = value.partition("/")
    key = key or desk.need("resource", "choose what its members may open")
    type, _, id = key.partition(":")
    step = grants.create(desk.caller, group_id=group, resource_type=type, resource_id=id or None)
    _, event = await desk.write(step)
    return Done(event)


async def ungrant(desk: Desk, id: str) -> Done:
    _, event = await desk.write(grants.remove(desk.caller, id))
    return Done(event)


async def undo(desk: Desk, event: str) -> Done:
    if len(event) > 64:
        raise BadParameter("undo", event, "the id of an event")
    told, written = await desk.write(rollback(desk.caller, event))
    group = (told["resource"] or "").partition(":")[2]
    open_ = {"user_groups.create": None, "user_groups.delete": group}  # it is gone, or back
    to = {"group": open_[told["action"]]} if told["action"] in open_ else {}
    return Done(written, to=to)


_FIELDS = ("name", "description", "claim")
_WAS = tuple(f"was_{name}" for name in _FIELDS)
DEEDS: Mapping[str, Deed] = {
    "create_group": Deed("user_groups.create", create, _FIELDS),
    "update_group": Deed("user_groups.update", update, (*_FIELDS, *_WAS), "group"),
    "delete_group": Deed("user_groups.delete", delete, noun="group"),
    "add_member": Deed("user_group_members.add", add_member, ("who",), "group"),
    "remove_member": Deed("user_group_members.remove", remove_member),
    "join": Deed("user_group_members.add", join, ("group",)),
    "grant": Deed("resource_grants.add", grant, ("resource",)),
    "ungrant": Deed("resource_grants.remove", ungrant, noun="grant"),
    "undo": Deed("audit.rollback", undo),
}

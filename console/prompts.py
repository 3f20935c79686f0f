"""The two prompts of the instance: what an agent is told when it begins, and what stands in the
workspace that a person works in (SPEC sections 2 and 18).

Nobody has to write them: each has a text of its own until an admin sets another one. They are
rendered for whoever asks, with what that person may see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from console.audit import Caller, now
from console.changes import objects
from console.changes.kinds import TEMPLATE
from console.changes.record import holds_secret
from console.identity.lookup import Row
from console.instance import Instance
from console.prompt_text import BadTemplate, checked, rendered
from console.queries.prompts import kept
from console.tables.offered import offered
from schema.errors import (
    BadParameter,
    BadRequest,
    Conflict,
    NotFound,
    TooLarge,
    Unavailable,
    shorten,
)
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import USER_GROUPS
from schema.transaction import Transaction

LONGEST = objects.TEXT_LIMIT
_MOST = 200  # tables and groups that a prompt is told
_FOLDER = Path(__file__).with_name("prompt_defaults")


@dataclass(frozen=True)
class Prompt:
    """`path`: its page."""

    name: str
    title: str
    about: str
    path: str

    @property
    def default(self) -> str:
        return (_FOLDER / f"{self.name}.md").read_text(encoding="utf-8")


PROMPTS: Mapping[str, Prompt] = {
    one.name: one
    for one in (
        Prompt("agent", "Init prompt", "what an agent is told first", "/admin/agent-prompt"),
        Prompt(
            "workspace",
            "Workspace prompt",
            "what stands in the workspace of each person",
            "/admin/workspace-prompt",
        ),
    )
}
# Name -> what it holds; the only names that a prompt can use.
VARIABLES: Mapping[str, str] = {
    "instance_name": "what this instance is called: the setting AGNES_INSTANCE_NAME",
    "instance_url": "its address: the setting AGNES_PUBLIC_URL, empty where it is not set",
    "user_name": "the person's name, or e-mail where they have none",
    "user_email": "their e-mail",
    "is_admin": "true for admins",
    "groups": "the names of their groups",
    "tables": "what they may question; of each name, description, bucket, kind, columns (how many)",
    "today": "the day, as 2026-01-31, UTC",
}


class Moved(Conflict):
    """Somebody else has saved meanwhile; `more` has both texts."""

    def __init__(self, prompt: Prompt, current: Row, body: str | None) -> None:
        super().__init__(
            f"the {prompt.title.lower()} was changed meanwhile",
            detail="Look at how it stands now, then save yours again.",
        )
        self.more = {"current": current, "yours": body}


def named(name: str) -> Prompt:
    """Raises NotFound."""
    if name not in PROMPTS:
        raise NotFound(f"no prompt {shorten(name)}", detail=f"There are: {', '.join(PROMPTS)}.")
    return PROMPTS[name]


def stands(prompt: Prompt, row: Row | None) -> Row:
    """`{name, title, body, is_default, default, version, updated_at, updated_by}`; `row` is that of
    `instance_templates`."""
    own = row is not None and row["body"] is not None
    body = row["body"] if row is not None and own else prompt.default
    return {
        "name": prompt.name,
        "title": prompt.title,
        "body": body,
        "is_default": not own,
        "default": prompt.default,
        "version": version(body),
        "updated_at": row["updated_at"] if row is not None and own else None,
        "updated_by": row["updated_by"] if row is not None and own else None,
    }


def read(instance: Instance, prompt: Prompt) -> Row:
    """How it stands now. Blocks."""
    found = [row for row in instance.store.rows(kept) if row["name"] == prompt.name]
    return stands(prompt, found[0] if found else None)


def version(body: str) -> str:
    """What tells two texts apart; the same text is the same version."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def save(
    instance: Instance, caller: Caller, prompt: Prompt, body: str | None, *, seen: str | None = None
) -> Callable[[Transaction], Row]:
    """A step for `Store.write`: set the text, or with None the default again; with `seen` only
    while that is still the version. Raises BadTemplate, BadRequest for a text with a secret,
    TooLarge, Moved. Blocks while it is made: it is tried for the one who saves."""
    if body is not None:
        body = body.replace("\r\n", "\n")
        refused(body)
        rendered(body, values(instance, caller.me))
        body = None if body == prompt.default else body

    def step(transaction: Transaction) -> Row:
        there = TEMPLATE.now(transaction, {"name": prompt.name})
        current = stands(prompt, _row(there))
        if seen is not None and seen != current["version"]:
            raise Moved(prompt, current, body)
        objects.set_template(caller, prompt.name, body)(transaction)
        return stands(prompt, _row(TEMPLATE.now(transaction, {"name": prompt.name})))

    return step


def refused(body: str) -> None:
    """Raises for what cannot be a prompt, whoever it is rendered for."""
    if len(body.encode()) > LONGEST:
        raise TooLarge(f"the prompt is longer than {LONGEST // 1024} KiB")
    if not body.strip():
        raise BadParameter("body", "", "a text; null is the default again")
    if "\0" in body:
        raise BadParameter("body", "…", "a text without NUL")
    if holds_secret(body):
        raise BadRequest(
            "it holds what looks like a secret",
            detail="Everybody who signs in reads it, and the log keeps it. Take it out.",
        )
    checked(body, VARIABLES)


def told(instance: Instance, prompt: Prompt, me: Principal, body: str | None = None) -> Row:
    """`{name, version, text}` for that person; of `body` where it is given, without saving it.
    Blocks. Raises BadTemplate, TooLarge."""
    if body is not None:
        body = body.replace("\r\n", "\n")
        refused(body)
        text = rendered(body, values(instance, me))
        return {"name": prompt.name, "version": version(body), "text": text}
    body = read(instance, prompt)["body"]
    try:
        text = rendered(body, values(instance, me))
    except BadTemplate as error:
        raise Unavailable(
            f"the {prompt.title.lower()} cannot be made for {me.email}: {error.message}",
            detail=f"An admin can mend it at {prompt.path}.",
        ) from None
    return {"name": prompt.name, "version": version(body), "text": text}


def values(instance: Instance, me: Principal) -> dict[str, Any]:
    """`VARIABLES` for that person. Blocks."""
    settings, store = instance.settings, instance.store
    groups = store.read(rows_of(USER_GROUPS).select("id", "name")).to_pylist()
    mine = sorted(group["name"] for group in groups if group["id"] in me.groups)
    tables = [
        {
            "name": table.name,
            "description": " ".join((table.meaning or "").split()),
            "bucket": table.bucket or "",
            "kind": table.kind,
            "columns": len(table.columns),
        }
        for table in list(offered(instance, me).values())[:_MOST]
    ]
    return {
        "instance_name": settings.instance_name,
        "instance_url": settings.public_url,
        "user_name": me.name or me.email,
        "user_email": me.email,
        "is_admin": me.is_admin,
        "groups": mine[:_MOST],
        "tables": tables,
        "today": now().date().isoformat(),
    }


def _row(there: Mapping[str, Any] | None) -> Row | None:
    if there is None or there.get("body") is None:
        return None
    at = there.get("updated_at")
    return {**there, "updated_at": datetime.fromisoformat(at) if isinstance(at, str) else at}

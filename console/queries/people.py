"""Questions about everybody with an account: what a list of people shows beside their names. Each
gives a row a person that has any; who has none stands in none of them."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from schema.bind import At
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import (
    PERSONAL_ACCESS_TOKENS,
    SESSION_FILES,
    TABLE_REGISTRY,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
    WEB_SESSIONS,
)

_ACCOUNT = ("id", "email", "name", "is_admin", "is_active", "created_at", "deactivated_at")


def accounts() -> ir.Table:
    """`id, email, name, is_admin, is_active, created_at, deactivated_at, has_password,
    sso_linked`: they have signed in with the OpenID provider."""
    users = rows_of(USERS)
    has = {
        "has_password": users.password_hash.notnull(),
        "sso_linked": users.oidc_subject.notnull(),
    }
    return users.select(*_ACCOUNT, **has)


def memberships() -> ir.Table:
    """`user_id, group_id, name` (of the group), by that name."""
    names = rows_of(USER_GROUPS).select("name", group_id="id")
    rows = rows_of(USER_GROUP_MEMBERS).join(names, "group_id")
    return rows.order_by([rows.name.lower(), rows.group_id]).select("user_id", "group_id", "name")


def seen(log: Seen) -> ir.Table:
    """`user_id, at`: when the log last says that they did something."""
    rows = log.rows()
    mine = rows.filter(rows.user_id.notnull())
    return mine.group_by("user_id").aggregate(at=mine.timestamp.max())


def used(now: At) -> ir.Table:
    """`user_id, at, live`: when a token of theirs was used last, and how many work at `now`."""
    tokens = rows_of(PERSONAL_ACCESS_TOKENS)
    over = tokens.expires_at.notnull() & (tokens.expires_at <= now.moment)
    live = ibis.ifelse(tokens.revoked_at.isnull() & ~over, 1, 0)
    return tokens.group_by("user_id").aggregate(at=tokens.last_used_at.max(), live=live.sum())


def browsers() -> ir.Table:
    """`user_id, at`: when they last signed in with a browser that is signed in still."""
    rows = rows_of(WEB_SESSIONS)
    return rows.group_by("user_id").aggregate(at=rows.created_at.max())


def signed_in(user: Any, now: At) -> ir.Table:
    """`id, created_at, expires_at, client_ip` of somebody's browsers, the newest first."""
    rows = rows_of(WEB_SESSIONS)
    mine = rows.filter(rows.user_id == user.text, rows.expires_at > now.moment)
    newest = mine.order_by([ibis.desc("created_at"), ibis.desc("id")])
    return newest.select("id", "created_at", "expires_at", "client_ip")


def uploads(since: At) -> ir.Table:
    """`user_id, sessions`: how many they uploaded at or after `since`, without subagents."""
    files = rows_of(SESSION_FILES)
    recent = files.filter(files.parent.isnull(), files.uploaded_at >= since.moment)
    return recent.group_by("user_id").aggregate(sessions=recent.count())


def tables() -> ir.Table:
    """`id, name, bucket, description, source_type` of what is registered, by name."""
    rows = rows_of(TABLE_REGISTRY)
    named = rows.order_by([rows.name.lower(), rows.id])
    return named.select("id", "name", "bucket", "description", "source_type")

"""Groups that follow the provider: at each sign-in somebody is in exactly those of them whose claim
the provider tells. Groups without a claim are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from console.audit import Caller
from console.identity import groups
from console.identity.lookup import where
from schema.table import rows_of
from schema.tables import USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Transaction

log = structlog.get_logger(__name__)


def told(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """The groups in the claim `name`; one that is not there holds none. None, which changes
    nothing, where the setting names no claim, or the provider says that there are too many to tell
    (`_claim_names`)."""
    if not name:
        return None
    value, found = _at(claims, name)
    if not found:
        elsewhere = claims.get("_claim_names")
        if isinstance(elsewhere, Mapping) and name.partition(".")[0] in elsewhere:
            log.warning("the sign-in provider leaves the groups out: too many", claim=name)
            return None
        return frozenset()
    values = value if isinstance(value, list) else [value]
    return frozenset(one for one in values if isinstance(one, str))


def follow(
    transaction: Transaction, caller: Caller, user_id: str, values: frozenset[str], *, source: str
) -> None:
    """Each change is one row of the log, with its `source`."""
    every = rows_of(USER_GROUPS)
    following = transaction.read(every.filter(every.claim.notnull()).order_by("id"))
    if not following:
        return
    member = transaction.read(where(USER_GROUP_MEMBERS, user_id=user_id))
    inside = {row["group_id"] for row in member}
    for group in following:
        id, wanted = group["id"], group["claim"] in values
        if wanted and id not in inside:
            groups.add_member(caller, id, user_id, source=source)(transaction)
        elif not wanted and id in inside:
            groups.remove_member(caller, id, user_id, source=source)(transaction)


def _at(claims: Mapping[str, Any], name: str) -> tuple[Any, bool]:
    """The claim of this very name, else what the path `a.b` leads to."""
    if name in claims:
        return claims[name], True
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None, False
        value = value[part]
    return value, True

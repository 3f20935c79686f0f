"""What a route asks of its caller. Every page, websocket and endpoint names one of these; `require`
is the only check."""

from __future__ import annotations

from dataclasses import dataclass

from schema.errors import Forbidden, NotSignedIn
from schema.policy import SURFACES, Principal


@dataclass(frozen=True)
class Right:
    """`level` is public, signed_in, surface, service or admin; `surface` names the grant that opens
    it. A service (a running job) may do what is public or asks for a service, and nothing else."""

    level: str
    surface: str | None = None

    def __str__(self) -> str:
        return f"grant {self.surface}" if self.surface else self.level.replace("_", " ")


PUBLIC = Right("public")
SIGNED_IN = Right("signed_in")
ADMIN = Right("admin")
SERVICE = Right("service")
ACTIVITY, TELEMETRY, SESSIONS, FEEDBACK = (Right("surface", name) for name in SURFACES)


def may(principal: Principal | None, right: Right) -> bool:
    if right.level == "public":
        return True
    if principal is None:
        return False
    if principal.service:
        return right.level == "service"
    if right.level == "signed_in" or principal.is_admin:
        return True
    return right.surface is not None and right.surface in principal.surfaces


def require(principal: Principal | None, right: Right, *, changes: bool = False) -> None:
    """Raises NotSignedIn for a stranger, Forbidden for somebody without the right, and for whoever
    would change something (`changes`) while they view as somebody else."""
    viewing = principal is not None and principal.view is not None
    if viewing and changes and right != PUBLIC:  # what strangers may do, too, is nobody's
        raise Forbidden(
            "nothing can be changed while you view as somebody else",
            detail="End it first: the button of the banner, or DELETE /api/view-as.",
        )
    if may(principal, right):
        return
    if principal is None:
        raise NotSignedIn("sign in first", detail="Run `agnes login`, or open /login in a browser.")
    raise Forbidden(
        f"this needs {'an admin' if right == ADMIN else f'an admin or the {right}'}",
        detail="You view as somebody who may not open it."
        if viewing
        else "Ask an admin of this instance; groups and grants decide.",
    )

"""What can go wrong between a browser, the provider and us. No text of the provider is repeated:
it is a stranger's, and may hold a code or a token.

AgnesError
├── Forbidden            403
│   └── Refused          403   this person may not come in; carries what the log says of it
│       └── Untrusted    403   what came from the provider or the browser proves nothing
├── ProviderError        502   the provider answers, but not as OpenID says
└── ProviderDown         503   it does not answer
"""

from __future__ import annotations

from console.identity.lookup import Row
from schema.errors import AgnesError, Forbidden, Unavailable

AGAIN = "Begin again: choose the button below."


class Refused(Forbidden):
    """`reason` is a word for the log; `user` the account that it was about, if there is one."""

    result = "denied"

    def __init__(
        self, message: str, *, reason: str, detail: str = "", user: Row | None = None
    ) -> None:
        super().__init__(message, detail=detail)
        self.reason = reason
        self.user = user


class Deactivated(Refused):
    """The words are those of a right password."""

    result = "deactivated"

    def __init__(self, user: Row) -> None:
        super().__init__(
            "this account is deactivated",
            reason="deactivated",
            detail="Ask an admin to activate it.",
            user=user,
        )


class Untrusted(Refused):
    def __init__(self, message: str, *, reason: str, detail: str = AGAIN) -> None:
        super().__init__(message, reason=reason, detail=detail)


class ProviderError(AgnesError):
    status = 502
    title = "Sign-in provider"


class ProviderDown(Unavailable):
    title = "Sign-in provider"

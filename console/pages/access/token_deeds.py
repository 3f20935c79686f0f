"""What the buttons about tokens do: make one for somebody, take one or several back."""

from __future__ import annotations

from collections.abc import Mapping

from console.identity import tokens
from console.pages.access.desk import Deed, Desk, Done, Once
from schema.errors import BadParameter, BadRequest

MOST = 500  # tokens in one go


async def create(desk: Desk, user: str) -> Done:
    """For the person of the page, else for whom the field `who` names."""
    secret = tokens.new_secret()
    owner = desk.person("who") if user == "1" else user
    step = tokens.create(
        desk.caller,
        user_id=owner,
        name=desk.need("name", "what it is for"),
        secret=secret,
        kind=desk.text("kind") or "cli",
        days=_days(desk.text("expires_days")),
    )
    row, event = await desk.write(step)
    return Done(event, once=Once("token", secret, row["user_email"]))


async def revoke(desk: Desk, id: str) -> Done:
    _, event = await desk.write(tokens.revoke(desk.caller, id))
    return Done(event)


async def revoke_chosen(desk: Desk, _: str) -> Done:
    chosen = list(dict.fromkeys(desk.chosen))
    if not chosen:
        raise BadRequest("no token is ticked", detail="Tick some (x) first.")
    if len(chosen) > MOST:
        raise BadParameter("chosen", len(chosen), f"at most {MOST} tokens")
    if not desk.flag("sure"):
        raise BadRequest(
            "no token is revoked without a second thought", detail="Tick “I am sure”, too."
        )
    _, event = await desk.write(*(tokens.revoke(desk.caller, one) for one in chosen))
    said = f"{len(chosen)} tokens work no more." if len(chosen) > 1 else ""
    return Done(event, said=said)


def _days(text: str) -> int:
    if not text:
        return tokens.DEFAULT_DAYS
    if not text.isdecimal() or len(text) > 6:
        raise BadParameter("expires_days", text, f"a whole number from 1 to {tokens.MOST_DAYS}")
    return int(text)


DEEDS: Mapping[str, Deed] = {
    "create_token": Deed("token.create", create, ("who", "name", "kind", "expires_days")),
    "revoke": Deed("token.revoke", revoke, noun="token"),
    "revoke_chosen": Deed("token.revoke", revoke_chosen, ("sure",)),
}

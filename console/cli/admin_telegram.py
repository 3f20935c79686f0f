"""`agnes admin telegram …`: which chat reaches which admin."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from console.cli.lazy import noun
from console.cli.listing import (
    LimitOption,
    OffsetOption,
    SearchOption,
    show_list,
    show_one,
    user_id,
)
from console.cli.output import Column, JsonOption, field, note, say, show_json, time_field
from console.cli.text import plain

app = noun("Chats of admins on Telegram. Without a command: list.")

UserOption = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="A user's id or e-mail; else you.")
]

COLUMNS = (
    Column("EMAIL", field("email"), floor=16),
    Column("NAME", field("name"), floor=8, drop=2),
    Column("CHAT", field("chat_id")),
    Column("ADMIN", field("is_admin")),
    Column("ACTIVE", field("is_active"), drop=3),
    Column("LINKED", time_field("linked_at"), drop=4),
    Column("USER", field("user_id"), drop=1),
)
_PATH = "/api/admin/telegram"


@app.command("list")
def list_links(
    search: SearchOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All linked chats."""
    from console.client import connect

    asked = {"q": search, "limit": limit, "offset": offset or None}
    params = {name: value for name, value in asked.items() if value is not None}
    with connect() as client:
        answer = client.request("GET", f"{_PATH}/links", params=params)
    show_list("linked chats", COLUMNS, answer, as_json=as_json)


@app.command()
def link(
    user: UserOption = None,
    chat: Annotated[
        str | None,
        typer.Option("--chat", metavar="ID", help="The chat's number; without it: a code."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Link a chat: by its number, or by a code that is sent to the bot from it."""
    from console.client import connect

    with connect() as client:
        body = {} if user is None else {"user_id": user_id(client, user)}
        if chat is not None:
            body = {"user_id": client.me()["id"], **body, "chat_id": chat}
            show_one(client.request("POST", f"{_PATH}/links", json=body), as_json=as_json)
            return
        made = client.request("POST", f"{_PATH}/codes", json=body)
    if as_json:
        show_json(made)
        return
    bot = f"@{plain(made['bot'])}" if made["bot"] else "the bot"
    say(f"Send this to {bot}, from the chat that is to be linked: /start {plain(made['code'])}")
    if made["bot"]:
        say(f"Or open https://t.me/{plain(made['bot'])}?start={plain(made['code'])}")
    note("it works once, for ten minutes; `agnes admin telegram` shows what is linked")


@app.command()
def unlink(user: UserOption = None, as_json: JsonOption = False) -> None:
    """Send nothing more to the chat; messages are then found in the console."""
    from console.client import connect

    with connect() as client:
        key = user_id(client, user) if user else client.me()["id"]
        client.request("DELETE", f"{_PATH}/links/{quote(key, safe='')}")
    show_one({"user_id": key, "chat_id": None}, as_json=as_json)


@app.command("test")
def send_test(user: UserOption = None, as_json: JsonOption = False) -> None:
    """Send one message now, and say what came of it."""
    from console.client import connect

    with connect() as client:
        body = {} if user is None else {"user_id": user_id(client, user)}
        show_one(client.request("POST", f"{_PATH}/test", json=body), as_json=as_json)

"""Questions about messages to people: what waits for Telegram, what somebody finds in the bell."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.counted import count_where
from schema.bind import At, Text, Texts
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import (
    FEEDBACK_REPORTS,
    NOTIFICATIONS,
    TELEGRAM_CODES,
    TELEGRAM_LINKS,
    USERS,
)

TELEGRAM, CONSOLE = "telegram", "console"
WAITING = ("queued", "held")
WORDS = 100  # letters of a report
ARRIVED = ("sent", "digested")
_SHOWN = (
    *("id", "created_at", "kind", "subject", "link", "about", "channel", "state"),
    *("sent_at", "read_at", "error"),
)


def outbox() -> ir.Table:
    """What is to go to Telegram, by person and time: with `chat_id` of the person's link, and
    whether they are an admin who may sign in (`is_reached`)."""
    rows = rows_of(NOTIFICATIONS)
    waiting = rows.filter(rows.channel == TELEGRAM, rows.state.isin(WAITING))
    users = rows_of(USERS)
    people = users.select(person=users.id, is_reached=users.is_active & users.is_admin)
    links = rows_of(TELEGRAM_LINKS)
    chats = links.select(linked=links.user_id, chat_id=links.chat_id)
    found = waiting.left_join(people, waiting.user_id == people.person)
    found = found.left_join(chats, found.user_id == chats.linked)
    columns = ("id", "user_id", "created_at", "state", "subject", "kind", "link")
    return found.select(
        *columns, "attempts", "next_at", "chat_id", is_reached=found.is_reached.fill_null(False)
    ).order_by(["user_id", "created_at", "id"])


def last_sent() -> ir.Table:
    """`user_id, at`: when Telegram took something for somebody last."""
    rows = rows_of(NOTIFICATIONS)
    sent = rows.filter(rows.channel == TELEGRAM, rows.state.isin(ARRIVED), rows.sent_at.notnull())
    return sent.group_by("user_id").aggregate(at=sent.sent_at.max())


def undelivered(since: At, long_ago: At) -> ir.Table:
    """`failed`: messages that Telegram did not take since then and that nobody has read, `why` of
    the last of them; `late`: those that have been tried again for long, `still` why."""
    rows = rows_of(NOTIFICATIONS)
    of_bot = rows.filter(rows.channel == TELEGRAM)
    lost = (
        (of_bot.state == "failed") & of_bot.read_at.isnull() & (of_bot.created_at >= since.moment)
    )
    late = (
        of_bot.state.isin(WAITING) & of_bot.error.notnull() & (of_bot.created_at < long_ago.moment)
    )
    return of_bot.aggregate(
        failed=count_where(lost),
        why=of_bot.error.argmax(of_bot.created_at, where=lost),
        late=count_where(late),
        still=of_bot.error.argmax(of_bot.created_at, where=late),
    )


def undone_about(about: Texts, states: Texts) -> ir.Table:
    """`id` of the messages about these things that are in one of these states."""
    rows = rows_of(NOTIFICATIONS)
    found = rows.filter(rows.about.isin(about.column), rows.state.isin(states.column))
    return found.select("id")


def admins() -> ir.Table:
    """`user_id, chat_id` of every admin who may sign in; null without a linked chat."""
    users, links = rows_of(USERS), rows_of(TELEGRAM_LINKS)
    found = users.filter(users.is_admin, users.is_active).select(person=users.id)
    chats = links.select(linked=links.user_id, chat_id=links.chat_id)
    joined = found.left_join(chats, found.person == chats.linked)
    return joined.select(user_id=joined.person, chat_id=joined.chat_id).order_by("user_id")


def group_of(head: Text) -> ir.Table:
    """`id, reporter_user` of every report of a group, by the id of its head."""
    rows = rows_of(FEEDBACK_REPORTS)
    group = rows.filter((rows.id == head.text) | (rows.merged_into == head.text).fill_null(False))
    return group.select("id", "reporter_user").order_by("id")


def unread_about(objects: Texts, kinds: Texts) -> ir.Table:
    """`id` of what stands unread in bells about one of these objects."""
    rows = rows_of(NOTIFICATIONS)
    found = rows.filter(rows.channel == CONSOLE, rows.read_at.isnull())
    found = found.filter(found.about.isin(objects.column))
    return found.filter(found.kind.isin(kinds.column)).select("id")


def said_about(objects: Texts) -> ir.Table:
    """`id` of whatever was said about one of these objects, to whomever."""
    rows = rows_of(NOTIFICATIONS)
    return rows.filter(rows.about.isin(objects.column)).select("id")


def codes_waiting(at: At) -> ir.Table:
    """`waiting`: how many codes can still be used."""
    rows = rows_of(TELEGRAM_CODES)
    found = rows.filter(rows.used_at.isnull(), rows.expires_at > at.moment)
    return found.aggregate(waiting=found.count())


# The bell


def mine(seen: Seen, *, unread: bool) -> ir.Table:
    """What is for the reader, newest first. `is_unread`: nobody has told them yet."""
    rows = seen.rows()
    is_unread = rows.read_at.isnull() & ((rows.channel == CONSOLE) | (rows.state == "failed"))
    found = rows.select(*_SHOWN, is_unread=is_unread.fill_null(False))
    if unread:
        found = found.filter(found.is_unread)
    return found.order_by([ibis.desc("created_at"), ibis.desc("id")])


def page(seen: Seen, reports: Seen, unread: str, limit: int, offset: int) -> ir.Table:
    """Some of them; `unread` is "unread" or empty. With the `words` of the report that a message is
    about, where it is among `reports`: a message itself holds none, and may leave the house."""
    rows = mine(seen, unread=bool(unread)).limit(limit, offset=offset)
    told = reports.rows()
    told = told.select(report=ibis.literal("report:") + told.id, words=told.message[:WORDS])
    found = rows.left_join(told, rows.about == told.report).drop("report")
    return found.order_by([ibis.desc("created_at"), ibis.desc("id")])


def counted(seen: Seen) -> ir.Table:
    """`total`, `unread`."""
    rows = mine(seen, unread=False)
    return rows.aggregate(total=rows.count(), unread=count_where(rows.is_unread))


def unread_ids(seen: Seen) -> ir.Table:
    return mine(seen, unread=True).select("id")

"""Which sessions wait for which processor: questions only.

A session's `fingerprint` says what its rows were made from: its own bytes, those of its subagents,
and those of the earlier files whose history it repeats. Whatever of these changes, it is due again;
so the order in which files arrive decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from schema.bind import At, Text
from schema.table import rows_of
from schema.tables import (
    SESSION_FILES,
    SESSION_PROCESSOR_STATE,
    SESSION_ROOTS,
    SESSION_VERDICTS,
    USERS,
)
from schema.transaction import Row

ATTEMPTS = 3  # a file that failed so often is set aside until it changes or somebody asks


def _text(files: Any) -> Any:
    return files.session_file + ":" + files.sha256


def subagents() -> ir.Table:
    """`parent, subs`: the subagents' files of each session, as one text."""
    files = rows_of(SESSION_FILES)
    files = files.filter(files.parent.notnull())
    named = files.mutate(one=_text(files))
    return named.group_by("parent").agg(
        subs=named.one.group_concat(",", order_by=named.session_file)
    )


def lineage(mine: Any) -> ir.Table:
    """`session_file, earlier_file, sha256, bytes`: the files whose history those with the roots
    `mine` repeat. Of two that begin with the same record the one that arrived first is earlier."""
    files = rows_of(SESSION_FILES)
    born = files.select("session_file", "sha256", "bytes", "first_uploaded_at")
    # Hardly any root is shared, so those that are come first, and then the files they lie in.
    others = rows_of(SESSION_ROOTS).rename(earlier_file="session_file")
    kin = mine.join(others, ["user_id", "root"])
    kin = kin.filter(kin.session_file != kin.earlier_file)
    pairs = kin.select("session_file", "earlier_file").distinct()
    ours = pairs.join(born.drop("sha256", "bytes"), "session_file")
    both = ours.join(
        born.rename(earlier_file="session_file", born="first_uploaded_at"), "earlier_file"
    )
    before = (both.born < both.first_uploaded_at) | (
        (both.born == both.first_uploaded_at) & (both.earlier_file < both.session_file)
    )
    return both.filter(before).select("session_file", "earlier_file", "sha256", "bytes")


def sessions() -> ir.Table:
    """Each session with its `fingerprint`, and its owner's `username`."""
    files, users = rows_of(SESSION_FILES), rows_of(USERS)
    mains = files.filter(files.parent.isnull()).drop("parent", "indexed")
    lines = lineage(rows_of(SESSION_ROOTS))
    named = lines.mutate(one=lines.earlier_file + ":" + lines.sha256)
    earlier = named.group_by("session_file").agg(
        earlier=named.one.group_concat(",", order_by=named.earlier_file)
    )
    subs = subagents()
    joined = mains.left_join(subs, mains.session_file == subs.parent).drop("parent")
    joined = joined.left_join(earlier, "session_file").drop("session_file_right")
    names = users.select(user_id=users.id, username=users.email)
    joined = joined.left_join(names, "user_id").drop("user_id_right")
    whole = joined.sha256 + "|" + joined.subs.fill_null("") + "|" + joined.earlier.fill_null("")
    alone = joined.subs.isnull() & joined.earlier.isnull()
    return joined.mutate(
        fingerprint=ibis.ifelse(alone, joined.sha256, whole.hexdigest("sha256"))
    ).drop("subs", "earlier")


def standing(name: str, version: int, moment: At) -> ir.Table:
    """Each session with what `name` has made of it: `is_due`, `is_set_aside`, `attempts`, `error`.
    The failure scan looks again at a session that was open, once it can be judged."""
    every, states = sessions(), rows_of(SESSION_PROCESSOR_STATE)
    verdicts = rows_of(SESSION_VERDICTS).select("session_file", "open_until")
    done = states.filter(states.processor_name == name).select(
        "session_file", "processor_version", "file_hash", "attempts", "error"
    )
    joined = every.left_join(done, "session_file").drop("session_file_right")
    joined = joined.left_join(verdicts, "session_file").drop("session_file_right")
    same = (joined.file_hash == joined.fingerprint) & (joined.processor_version == version)
    same = same.fill_null(False)
    failed = joined.error.notnull()
    given_up = same & failed & (joined.attempts >= ATTEMPTS)
    # Once it can be judged it is open no more; when it was judged last says nothing: the clock may
    # have passed that moment between the reading and the commit.
    over = (joined.open_until <= moment.moment).fill_null(False)
    reopened = ibis.literal(name == "failure_scan") & over
    return joined.mutate(
        is_set_aside=given_up,
        is_due=~given_up & (~same | failed | reopened),
        attempts=ibis.ifelse(same, joined.attempts, 0).fill_null(0),
    ).drop("processor_version", "file_hash")


def due(name: str, version: int, moment: At, limit: int) -> ir.Table:
    """Up to `limit` sessions that wait for `name`: those that never failed first, so that a broken
    one delays nobody; then in the order of arrival."""
    every = standing(name, version, moment)
    waiting = every.filter(every.is_due)
    return waiting.order_by(["attempts", "uploaded_at", "session_file"]).limit(limit)


def tally(name: str, version: int, moment: At) -> ir.Table:
    """`scanned, due, set_aside`: how many sessions there are, wait, and have been given up."""
    every = standing(name, version, moment)
    return every.aggregate(
        scanned=every.count(),
        due=every.count(where=every.is_due),
        set_aside=every.count(where=every.is_set_aside),
    )


def session(key: Text) -> ir.Table:
    """`session_file, user_id, username, sha256, uploaded_at, first_uploaded_at` of one session."""
    files, users = rows_of(SESSION_FILES), rows_of(USERS)
    mine = files.filter(files.session_file == key.text, files.parent.isnull())
    names = users.select(user_id=users.id, username=users.email)
    joined = mine.left_join(names, "user_id").drop("user_id_right")
    return joined.drop("parent", "indexed", "bytes")


def subagents_of(key: Text) -> ir.Table:
    """`session_file, sha256, bytes` of each subagent's file of a session, by name."""
    files = rows_of(SESSION_FILES)
    mine = files.filter(files.parent == key.text)
    return mine.select("session_file", "sha256", "bytes").order_by("session_file")


def earlier_of(key: Text) -> ir.Table:
    """`session_file, sha256, bytes` of each file whose history a session repeats, by name."""
    roots = rows_of(SESSION_ROOTS)
    lines = lineage(roots.filter(roots.session_file == key.text))
    return lines.select("sha256", "bytes", session_file=lines.earlier_file).order_by("session_file")


def fingerprint(sha256: str, subagents: Sequence[Row], earlier: Sequence[Row]) -> str:
    """The fingerprint of one session, as `sessions` makes it in the database."""
    if not subagents and not earlier:
        return sha256
    parts = (
        ",".join(f"{row['session_file']}:{row['sha256']}" for row in rows)
        for rows in (subagents, earlier)
    )
    return hashlib.sha256("|".join((sha256, *parts)).encode()).hexdigest()


def file(key: Text) -> ir.Table:
    """`session_file, parent` of one uploaded file."""
    files = rows_of(SESSION_FILES)
    return files.filter(files.session_file == key.text).select("session_file", "parent")

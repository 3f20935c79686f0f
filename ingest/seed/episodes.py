"""What people do, in episodes: somebody sits down, does several things, leaves. And what is
nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.seed import asking, machines, operating
from ingest.seed.draws import SECOND, Ints, Random, filling, lognormal, running, source, weighted
from ingest.seed.people import ROLES, Crowd
from ingest.seed.plan import KINDS, NUMBER, Plan, part
from ingest.seed.reports import Event
from ingest.seed.rhythm import Rhythm

UPKEEP, OLD = 0.004, 0.004  # of all events
_LENGTH = 9  # events of an episode, on average
# How each role comes, in the order of KINDS: web, cli, agent, external.
_WAYS = ((0.35, 0.35, 0.3, 0), (0.05, 0.25, 0.65, 0.05), (0.9, 0.1, 0, 0), (0.75, 0.25, 0, 0))
_PAUSE, _AGENTS_PAUSE = 35, 4  # seconds between two events, median
_ONE_COMMAND = 0.3  # of the episodes at the terminal: one command, one correlation
_WEB, _CLI, _AGENT = (KINDS.index(kind) for kind in ("web", "cli", "agent"))
_CHOICES = (*asking.RECIPES, *operating.RECIPES)
_OLD_ACTIONS = ("query.local", "catalog.list", "data.download")


@dataclass(frozen=True)
class Uploads:
    """Sessions in the order of their upload; `owner` is a place in the crowd."""

    time: Ints
    owner: Ints


def uploaded(uploads: Uploads, room: int) -> Plan:
    """An event for each upload, the newest ones where the room is less."""
    start = max(len(uploads.time) - room, 0)
    return part(
        uploads.time[start:],
        recipe=NUMBER[asking.UPLOAD.action],
        kind=_CLI,
        person=uploads.owner[start:],
        link=np.arange(start, len(uploads.time)),
    )


def reported(events: Sequence[Event], room: int) -> Plan:
    """What happened to reports, the newest of it where the room is less."""
    some = events[max(len(events) - room, 0) :]
    sent = [event.action == asking.REPORTED[0].action for event in some]
    return part(
        np.array([event.time for event in some], np.int64),
        recipe=np.array([NUMBER[event.action] for event in some], np.int16),
        kind=np.where(np.array(sent, np.bool_), _CLI, _WEB),
        person=np.array([event.actor for event in some], np.int32),
        link=np.arange(len(events) - len(some), len(events)),
    )


def episodes(seed: int, total: int, rhythm: Rhythm, crowd: Crowd, *, sessions: bool) -> Plan:
    """`total` events of people, in their working hours."""
    rng = source(seed, "episodes")
    sizes = filling(rng.geometric(1 / _LENGTH, total // 4 + 16), total)
    who = weighted(rng, crowd.weight, len(sizes))
    way = _ways(rng, crowd.role[who])
    begun = rhythm.office(rng, crowd.zone[who])
    pause = np.where(way == _AGENT, _AGENTS_PAUSE, _PAUSE)
    steps = np.repeat(pause, sizes) * lognormal(rng, SECOND, 0.9, total)
    time = np.repeat(begun, sizes) + running(sizes, steps.astype(np.int64))
    time = rhythm.window.pulled_back(time, sizes)
    recipe = _actions(rng, np.repeat(crowd.role[who], sizes), sessions=sessions)
    known = np.array([not one.anonymous for one in _CHOICES])
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    one = (way == _AGENT) | ((way == _CLI) & (rng.random(len(sizes)) < _ONE_COMMAND))
    shared = np.repeat(one, sizes)
    return part(
        time,
        recipe=np.array([NUMBER[one.action] for one in _CHOICES])[recipe],
        kind=np.repeat(way, sizes),
        person=np.where(known[recipe], np.repeat(who, sizes), -1),
        group=np.where(shared, first, np.arange(total)),
        begun=np.where(shared, time[first], time),
    )


def upkeep(seed: int, total: int, rhythm: Rhythm) -> Plan:
    """What the server does by itself: nobody's, of no kind, two things in the same instant."""
    rng = source(seed, "upkeep")
    names = np.array([NUMBER[one.action] for one in machines.UPKEEP])
    time = rhythm.steady(rng, total)
    time[: total - 1 : 2] = time[1::2]
    return part(time, recipe=names[rng.integers(0, len(names), total)], kind=0)


def old(seed: int, total: int, rhythm: Rhythm, crowd: Crowd) -> Plan:
    """Rows as older releases wrote them: somebody's, without client kind and correlation."""
    rng = source(seed, "old")
    who = weighted(rng, crowd.weight, total)
    names = np.array([NUMBER[action] for action in _OLD_ACTIONS])
    return part(
        rhythm.office(rng, crowd.zone[who]),
        recipe=names[rng.integers(0, len(names), total)],
        kind=0,
        person=who,
        group=-1,
    )


def _ways(rng: Random, roles: Ints) -> Ints:
    found = np.zeros(len(roles), np.int64)
    for role, shares in enumerate(_WAYS):
        here = np.flatnonzero(roles == role)
        found[here] = weighted(rng, shares, len(here)) + 1
    return found


def _actions(rng: Random, roles: Ints, *, sessions: bool) -> Ints:
    """A place in `_CHOICES` for each event."""
    found = np.zeros(len(roles), np.int64)
    for role, name in enumerate(ROLES):
        often = [one.habits.get(name, 0.0) * (sessions or not one.sessions) for one in _CHOICES]
        here = np.flatnonzero(roles == role)
        found[here] = weighted(rng, often, len(here))
    return found

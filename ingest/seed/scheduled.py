"""The scheduler's events: ticks, and runs of jobs with what each run caused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.seed import machines
from ingest.seed.draws import Ints, Random, fitting, lognormal, running, source, weighted
from ingest.seed.people import Crowd
from ingest.seed.plan import KINDS, NUMBER, Plan, part, stacked
from ingest.seed.recipe import IDLE
from ingest.seed.rhythm import Rhythm

SHARE = 0.84  # of all events
_PROCESSING, _SYNCING, _CHORES = 0.30, 0.20, 0.04  # of all events; ticks make up the rest
_FOUND_NOTHING = 0.35  # of the processing runs
_TABLES = (2, 10)  # synced in one run, at least and fewer than
_BY_HAND = 0.05  # of the sync runs
_CHORE_JOBS = {"rollups": 0.8, "prune": 0.07, "weekly_report": 0.03, "feedback_digest": 0.1}
_SCHEDULER, _WEB, _CLI = (KINDS.index(kind) for kind in ("scheduler", "web", "cli"))


@dataclass(frozen=True)
class Runs:
    """Runs of one job: when each began, and how many events it left, its own, the last one, among
    them.
    """

    begun: Ints
    sizes: Ints

    @classmethod
    def of(cls, rng: Random, rhythm: Rhythm, sizes: Ints) -> Runs:
        return cls(rhythm.steady(rng, len(sizes)), sizes)

    @property
    def events(self) -> int:
        return int(self.sizes.sum())

    @property
    def places(self) -> Ints:
        """The place of each event in its run, from 0."""
        return running(self.sizes, np.ones(self.events, np.int64)) - 1

    def plan(self, rhythm: Rhythm, inner: Ints, own: int, spans: Ints) -> Plan:
        """`inner` and `own` name the recipes of what a run caused and of the run itself; `spans`,
        in milliseconds, how long each event took. A run that caused nothing found nothing to do.
        """
        last = self.places == np.repeat(self.sizes, self.sizes) - 1
        alone = np.repeat(self.sizes == 1, self.sizes)
        passed = running(self.sizes, spans * 1000)
        time = rhythm.window.pulled_back(np.repeat(self.begun, self.sizes) + passed, self.sizes)
        return part(
            time,
            recipe=np.where(last, own, inner),
            kind=_SCHEDULER,
            group=np.repeat(np.arange(len(self.sizes)), self.sizes),
            begun=time - passed,
            spent=np.where(last, passed // 1000, spans),
            link=np.where(alone, IDLE, -1),
        )


def scheduled(seed: int, total: int, rhythm: Rhythm, crowd: Crowd) -> list[Plan]:
    """The scheduler's events, `SHARE` of `total`, and the few syncs that somebody asked for."""
    processing = _processing(source(seed, "processing"), int(total * _PROCESSING), rhythm)
    syncing = _syncing(source(seed, "syncing"), int(total * _SYNCING), rhythm)
    chores = _chores(source(seed, "chores"), int(total * _CHORES), rhythm)
    room = round(total * SHARE) - len(processing) - len(syncing) - len(chores)
    ticks = rhythm.steady(source(seed, "ticks"), room)
    asked = _asked(source(seed, "asked"), syncing, crowd)
    ticking = part(ticks, recipe=NUMBER[machines.TICK.action], kind=_SCHEDULER)
    return [processing, stacked([syncing, asked]), chores, ticking]


def _processing(rng: Random, room: int, rhythm: Rhythm) -> Plan:
    sizes = np.where(rng.random(room) < _FOUND_NOTHING, 1, 3)
    runs = Runs.of(rng, rhythm, fitting(sizes, room))
    first, second = (NUMBER[one.action] for one in machines.RUN_PROCESSOR)
    inner = np.where(runs.places == 0, first, second)
    spans = lognormal(rng, 650, 0.9, runs.events).astype(np.int64) + 5
    return runs.plan(rhythm, inner, NUMBER["run_job:process_sessions"], spans)


def _syncing(rng: Random, room: int, rhythm: Rhythm) -> Plan:
    sizes = rng.integers(*_TABLES, room // _TABLES[0]) + 1
    runs = Runs.of(rng, rhythm, fitting(sizes, room))
    inner = np.full(runs.events, NUMBER[machines.SYNC_TABLE.action])
    spans = lognormal(rng, 1500, 1.0, runs.events).astype(np.int64) + 20
    return runs.plan(rhythm, inner, NUMBER["run_job:sync_tables"], spans)


def _chores(rng: Random, room: int, rhythm: Rhythm) -> Plan:
    names = np.array([NUMBER[f"run_job:{name}"] for name in _CHORE_JOBS])
    spent = lognormal(rng, 9000, 0.7, room).astype(np.int64) + 100
    begun = np.minimum(rhythm.steady(rng, room), rhythm.window.end - 1 - spent * 1000)
    return part(
        begun + spent * 1000,
        recipe=names[weighted(rng, list(_CHORE_JOBS.values()), room)],
        kind=_SCHEDULER,
        begun=begun,
        spent=spent,
    )


def _asked(rng: Random, syncing: Plan, crowd: Crowd) -> Plan:
    """Some sync runs were started by a person, whose request comes first and shares the run's
    correlation.
    """
    groups, first = np.unique(syncing.group, return_index=True)
    asked = np.flatnonzero(rng.random(len(groups)) < _BY_HAND)
    n = len(asked)
    return part(
        syncing.begun[first[asked]],
        recipe=NUMBER[machines.SYNC_TRIGGER.action],
        kind=np.where(rng.random(n) < 0.5, _WEB, _CLI),
        person=weighted(rng, crowd.weight * np.where(crowd.admin, 20, 1), n),
        group=groups[asked],
    )

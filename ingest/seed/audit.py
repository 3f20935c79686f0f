"""The audit log's rows out of a plan, with the sync history and the job runs of the same events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson
import pyarrow as pa

from ingest.seed.columns import filled, masked, taken
from ingest.seed.draws import Ints, as_times, source, weighted
from ingest.seed.ids import uuid7
from ingest.seed.people import Crowd
from ingest.seed.plan import KINDS, NUMBER, RECIPES, Plan
from ingest.seed.recipe import IDLE, Recipe, Said, Scene
from ingest.seed.rhythm import Rhythm
from schema.search import search_text
from schema.tables import AUDIT_LOG, JOB_RUNS, SYNC_HISTORY
from schema.transaction import Rows

BATCH = 50_000
_MEASURED = 0.965  # of the rows whose duration is not settled by what they caused
_BROKEN = 0.6  # of what an outage touches
_SLOW = 5  # times longer, in a slow period
_LONGEST = 3_600_000
_STRANGERS = 20  # addresses that people who fail to sign in come from
_JOB_STATUS = {"success": "ok", "skipped": "skipped"}


@dataclass(frozen=True)
class World:
    """What all batches share."""

    seed: int
    rhythm: Rhythm
    crowd: Crowd
    sessions: Sequence[tuple[str, int]]  # files and their bytes, in the order of their upload
    uploaded: Ints  # when
    reported: Sequence[Said]  # what the log says of reports, in order of time

    @cached_property
    def addresses(self) -> pa.Array:
        """One for each person, then the scheduler's, then those of strangers."""
        rng = source(self.seed, "addresses")
        parts = rng.integers(1, 255, (len(self.crowd), 2)).tolist()
        strangers = (f"203.0.113.{number + 1}" for number in range(_STRANGERS))
        return pa.array([*(f"10.20.{a}.{b}" for a, b in parts), "127.0.0.1", *strangers])


def batches(world: World, plan: Plan) -> Iterator[list[Rows]]:
    """What to write, in the order of time; each list in one transaction."""
    for number, start in enumerate(range(0, len(plan), BATCH)):
        some = plan.at(slice(start, start + BATCH))
        yield Batch(world, some, np.arange(start, start + len(some)), number).rows()


def audit_ids(world: World, plan: Plan, numbers: Ints) -> pa.Array:
    return uuid7(world.seed, "audit", plan.time, numbers)


class Batch:
    """Some events of the plan on their way to rows. The texts are filled in recipe by recipe."""

    def __init__(self, world: World, plan: Plan, numbers: Ints, number: int) -> None:
        self.world, self.plan, self.numbers = world, plan, numbers
        self.rng = source(world.seed, "audit", number)
        self.down = world.rhythm.outages.holds(plan.time)
        self.took = self._took()
        groups = uuid7(world.seed, "correlation", plan.begun, plan.group.astype(np.int64))
        self.correlation = masked(groups, plan.group >= 0).to_pylist()
        self.fresh = uuid7(world.seed, "fresh", plan.time, numbers).to_pylist()
        self.known = np.searchsorted(world.uploaded, plan.time).tolist()
        self.resource: list[str | None] = [None] * len(plan)
        self.params: list[str | None] = [None] * len(plan)
        self.before: list[str | None] = [None] * len(plan)
        self.result: list[str | None] = [None] * len(plan)

    def rows(self) -> list[Rows]:
        for recipe in np.unique(self.plan.recipe).tolist():
            self._fill(RECIPES[recipe], np.flatnonzero(self.plan.recipe == recipe))
        related = (Rows(SYNC_HISTORY, self._syncs()), Rows(JOB_RUNS, self._runs()))
        return [Rows(AUDIT_LOG, self._audit()), *(rows for rows in related if len(rows.rows))]

    def _took(self) -> Ints:
        settled = self.plan.spent
        medians, spreads = np.array([recipe.milliseconds for recipe in RECIPES]).T
        factor = np.exp(spreads[self.plan.recipe] * self.rng.standard_normal(len(self.plan)))
        slow = np.where(self.world.rhythm.slow.holds(self.plan.time), _SLOW, 1)
        drawn = np.clip(medians[self.plan.recipe] * factor * slow, 1, _LONGEST)
        took: Ints = np.where(settled >= 0, settled, drawn).astype(np.int64)
        return took

    def _fill(self, recipe: Recipe, at: Ints) -> None:
        places = at.tolist()
        results = self._results(recipe, at)
        scene = Scene(
            rng=self.rng,
            crowd=self.world.crowd,
            actors=self.plan.person[at].tolist(),
            results=results,
            links=self.plan.link[at].tolist(),
            took=self.took[at].tolist(),
            fresh=[self.fresh[place] for place in places],
            correlations=[self.correlation[place] for place in places],
            sessions=self.world.sessions,
            known=[self.known[place] for place in places],
            reported=self.world.reported,
        )
        for place, result, said in zip(places, results, recipe.fill(scene), strict=True):
            resource, params, before = said
            self.resource[place] = resource
            self.params[place] = orjson.dumps(params).decode() if params else None
            self.before[place] = orjson.dumps(before).decode() if before else None
            self.result[place] = result

    def _results(self, recipe: Recipe, at: Ints) -> list[str | None]:
        names = [*(name for name, _ in recipe.ends), "skipped", recipe.broken]
        drawn = weighted(self.rng, [share for _, share in recipe.ends], len(at))
        drawn[self.plan.link[at] == IDLE] = len(names) - 2
        if recipe.broken is not None:
            hit = self.down[at] & (self.rng.random(len(at)) < _BROKEN)
            drawn[hit] = len(names) - 1
        return [names[number] for number in drawn.tolist()]

    def _audit(self) -> pa.Table:
        plan, crowd = self.plan, self.world.crowd
        actions = pa.array([recipe.action for recipe in RECIPES]).take(pa.array(plan.recipe))
        settled = (plan.spent >= 0) | (self.rng.random(len(plan)) < _MEASURED)
        texts = zip(actions.to_pylist(), self.resource, self.params, strict=True)
        return filled(
            AUDIT_LOG,
            id=audit_ids(self.world, plan, self.numbers),
            timestamp=as_times(plan.time),
            user_id=taken(crowd.ids, plan.person),
            action=actions,
            resource=self.resource,
            params=self.params,
            params_before=self.before,
            result=self.result,
            duration_ms=masked(pa.array(self.took), settled),
            client_ip=self._addresses(),
            client_kind=taken(KINDS, plan.kind),
            correlation_id=self.correlation,
            search=[search_text(*text) for text in texts],
        )

    def _addresses(self) -> pa.Array:
        people = len(self.world.crowd)
        stranger = people + 1 + self.numbers % _STRANGERS
        other = np.where(self.plan.kind == KINDS.index("scheduler"), people, stranger)
        place = np.where(self.plan.person >= 0, self.plan.person, other)
        return taken(self.world.addresses, np.where(self.plan.kind > 0, place, -1))

    def _syncs(self) -> pa.Table:
        at = np.flatnonzero(self.plan.recipe == NUMBER["sync.table"])
        said = [orjson.loads(self.params[place] or "{}") for place in at.tolist()]
        return filled(
            SYNC_HISTORY,
            id=[params["sync_ids"][0] for params in said],
            table_id=[params["table"] for params in said],
            synced_at=as_times(self.plan.time[at]),
            rows=[params.get("rows") for params in said],
            duration_ms=self.took[at],
            status=["error" if "error" in params else "ok" for params in said],
            error=[params.get("error") for params in said],
        )

    def _runs(self) -> pa.Table:
        jobs = [recipe.action.startswith("run_job:") for recipe in RECIPES]
        at = np.flatnonzero(np.array(jobs)[self.plan.recipe])
        places, begun = at.tolist(), as_times(self.plan.begun[at])
        said = [orjson.loads(self.params[place] or "{}") for place in places]
        return filled(
            JOB_RUNS,
            id=[params["run_id"] for params in said],
            job_name=[params["job"] for params in said],
            trigger=[params["trigger"] for params in said],
            parameters=["{}"] * len(at),
            status=[_JOB_STATUS.get(self.result[place] or "", "failed") for place in places],
            queued_at=begun,
            started_at=begun,
            finished_at=as_times(self.plan.time[at]),
            attempt=[params["attempt"] for params in said],
            error=[params.get("error") for params in said],
            output_path=[params.get("output") for params in said],
            correlation_id=[params["run_id"] for params in said],
        )

"""The whole API, asked what its own description allows and what it does not, as three people.

Whatever is sent, the answer is one of those that the description names, of the type it says, and an
error has the one shape. `make check-deep` asks much more often.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from console.api.openapi import FILE
from console.audit import new_id
from tests.whole_server import WholeServer

ARROW = "application/vnd.apache.arrow.stream"
CHECKS: list[Any] = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# What is not asked here, and why. The table of routes asks each of them once.
LEFT_OUT = {
    "POST /api/logout": "it ends the token that asks",
    "POST /api/view-as": "after it nothing but reading is let through",
    "DELETE /api/view-as": "it goes with the one above",
}
# Answers 502 or 503, with the envelope: what they need is not set up here.
NEEDS_MORE = {
    "POST /api/admin/telemetry/ask": "a language model's key",
    "POST /api/admin/telegram/codes": "a bot",
    "POST /api/admin/telegram/test": "a bot",
}


@dataclass(frozen=True)
class Person:
    session: requests.Session
    address: str
    ids: tuple[str, ...]  # of things that are there
    often: int  # how many requests of each kind there are for each endpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("fuzz") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, Person]:
    admin = server.person("admin", is_admin=True)
    analyst = server.person("analyst", "activity")
    tokens = {"anonymous": None, "analyst": server.token(analyst), "admin": server.token(admin)}
    ids = tuple(_things(server, str(tokens["admin"])))
    often = {"anonymous": 1, "analyst": 1, "admin": 2}
    return {
        name: Person(_session(token), server.address, ids, often[name])
        for name, token in tokens.items()
    }


def _session(token: str | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _things(server: WholeServer, admin: str) -> Iterator[str]:
    """One of each kind that can be asked for by its id."""
    victim = server.person("somebody")
    yield victim
    made = {
        "/api/admin/groups": {"name": "a group"},
        "/api/admin/tokens": {"name": "a token", "user_id": victim},
        "/api/admin/observability/views": {"name": "a view", "query": "q=x"},
        "/api/feedback": {"message": "it broke", "ack_preview": True, "idempotency_key": new_id()},
    }
    with server.client(admin) as client:
        for path, body in made.items():
            row = client.post(path, json=body).raise_for_status().json()
            yield row.get("id") or row["report_id"]
        for path in ("/api/admin/activity", "/api/admin/tables", "/api/admin/grants"):
            rows = client.get(path).raise_for_status().json()["rows"]
            yield from (row["id"] for row in rows[:1])
    yield "agnes_audit"


@schemathesis.serializer(ARROW)
def _bytes(context: Any, value: Any) -> bytes:
    """What no stream of Arrow is, mostly."""
    return value if isinstance(value, bytes) else str(value).encode()


SCHEMA = schemathesis.openapi.from_dict(orjson.loads(FILE.read_bytes()))
OPERATIONS = {
    one.label: one
    for one in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
}


@pytest.mark.parametrize("who", ["anonymous", "analyst", "admin"])
def test_every_answer_is_one_that_the_description_names(
    people: dict[str, Person], who: str
) -> None:
    person, wrong = people[who], []
    for label, operation in OPERATIONS.items():
        if label in LEFT_OUT:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _asked(operation, mode, person)
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, label  # it takes nothing one could do wrong
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 (told all at once)
                wrong.append(f"{label}: {_words(error)}")
    assert not wrong, "\n\n".join(wrong)


def _words(error: BaseException) -> str:
    """What went wrong, and the request that shows it."""
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "\n".join(f"{part}\n{getattr(part, '__notes__', '')}" for part in parts)


def _asked(operation: Any, mode: GenerationMode, person: Person) -> None:
    deep = (settings.default or settings()).max_examples > 1000

    @settings(
        max_examples=100 if deep else person.often,
        derandomize=not deep,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), known=st.sampled_from((None, *person.ids)))
    def ask(case: Case[Any], known: str | None) -> None:
        if known and case.path_parameters and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        answer = case.call(base_url=person.address, session=person.session)
        case.validate_response(answer, checks=CHECKS)
        if operation.label not in NEEDS_MORE:
            assert answer.status_code < 500, answer.text

    ask()


def test_what_is_left_out_is_there() -> None:
    assert set(LEFT_OUT) <= set(OPERATIONS)

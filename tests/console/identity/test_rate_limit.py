from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.identity.rate_limit import PER_ADDRESS, PER_EMAIL, WINDOW, Blocked, RateLimit


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> RateLimit:
    return RateLimit(clock=clock)


def fail(limit: RateLimit, times: int, email: str = "ana", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        limit.attempt(email, address)


def test_the_sixth_failure_for_an_e_mail_is_blocked_from_everywhere(limit: RateLimit) -> None:
    fail(limit, PER_EMAIL)
    with pytest.raises(Blocked, match="for this e-mail"):
        limit.attempt("ana", "10.9.9.9")
    limit.attempt("ben", "10.0.0.1")


def test_an_address_is_blocked_whatever_e_mail_it_tries(limit: RateLimit) -> None:
    for number in range(PER_ADDRESS):
        limit.attempt(f"user{number}", "10.0.0.1")
    with pytest.raises(Blocked, match="from this address"):
        limit.attempt("somebody else", "10.0.0.1")
    limit.attempt("somebody else", "10.0.0.2")


def test_the_wait_is_told_and_is_enough(limit: RateLimit, clock: Clock) -> None:
    fail(limit, 1)
    clock.at = 100
    fail(limit, PER_EMAIL - 1)
    with pytest.raises(Blocked) as blocked:
        limit.attempt("ana", "10.0.0.1")
    assert blocked.value.retry_after == WINDOW - 100
    clock.at += blocked.value.retry_after - 1
    with pytest.raises(Blocked, match="for this e-mail"):
        limit.attempt("ana", "10.0.0.1")
    clock.at += 1
    limit.attempt("ana", "10.0.0.1")


def test_a_refused_try_does_not_make_the_wait_longer(limit: RateLimit, clock: Clock) -> None:
    fail(limit, PER_EMAIL)
    clock.at = WINDOW - 1
    for _ in range(50):
        with pytest.raises(Blocked):
            limit.attempt("ana", "10.0.0.1")
    clock.at = WINDOW
    limit.attempt("ana", "10.0.0.1")


def test_success_clears_the_e_mail_and_is_no_failure_of_the_address(limit: RateLimit) -> None:
    for _ in range(10 * PER_ADDRESS):
        limit.attempt("ana", "10.0.0.1")
        limit.succeeded("ana", "10.0.0.1")
    fail(limit, PER_EMAIL)


def test_success_keeps_the_other_failures_of_the_address(limit: RateLimit) -> None:
    for number in range(PER_ADDRESS - 1):
        limit.attempt(f"user{number}", "10.0.0.1")
    limit.attempt("ana", "10.0.0.1")
    limit.succeeded("ana", "10.0.0.1")
    limit.attempt("last", "10.0.0.1")
    with pytest.raises(Blocked, match="from this address"):
        limit.attempt("ana", "10.0.0.1")


def test_one_machine_has_all_addresses_of_its_ipv6_network(limit: RateLimit) -> None:
    for number in range(PER_ADDRESS):
        limit.attempt(f"user{number}", f"2001:db8::{number:x}")
    with pytest.raises(Blocked):
        limit.attempt("ana", "2001:db8::ffff")
    limit.attempt("ana", "2001:db8:0:1::1")


def test_ipv4_written_as_ipv6_is_still_one_address(limit: RateLimit) -> None:
    for number in range(PER_ADDRESS):
        limit.attempt(f"user{number}", "::ffff:10.0.0.1")
    limit.attempt("ana", "::ffff:10.0.0.2")


def test_memory_is_bounded(clock: Clock) -> None:
    limit = RateLimit(clock=clock, kept=100)
    for number in range(1000):
        limit.attempt(f"user{number}", f"10.0.{number // 250}.{number % 250}")
    assert len(limit._tries) <= 100


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(("10.0.0.1", "10.0.0.2")), st.booleans()),
        max_size=80,
    ),
    st.floats(min_value=1, max_value=120),
)
def test_no_window_holds_more_tries_than_allowed(
    tries: list[tuple[str, str, bool]], pause: float
) -> None:
    clock = Clock()
    limit = RateLimit(clock=clock)
    failed: dict[str, list[float]] = {}
    waits: list[int] = []
    for email, address, right in tries:
        clock.at += pause
        try:
            limit.attempt(email, address)
        except Blocked as blocked:
            waits.append(blocked.retry_after)
            continue
        if right:
            limit.succeeded(email, address)
            failed.pop(email, None)
        else:
            failed.setdefault(email, []).append(clock.at)
        recent = [at for at in failed.get(email, []) if clock.at - at < WINDOW]
        assert len(recent) <= PER_EMAIL
    assert all(1 <= wait <= WINDOW + 1 for wait in waits)

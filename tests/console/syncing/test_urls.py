"""Tables from addresses: only what may be asked, only as much and as long as is allowed, and only
when something is new."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from console.syncing import addresses, fetch
from console.syncing.failed import Deadline, Failed
from console.syncing.fetch import Asked
from schema.tables import TABLE_VERSIONS
from tests.console.syncing.place import Place, in_this_process
from tests.console.syncing.web import Web, certified, leading, plain, web

CSV = b"x,t\n1,one\n2,two\n"


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as found:
        found.answers["/a.csv"] = plain(CSV, etag='"1"')
        yield found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Web) -> Iterator[Place]:
    in_this_process(monkeypatch)
    given = {"AGNES_SYNC_ALLOW_PRIVATE": site.host, "AGNES_SYNC_MAX_MB": "1"}
    found = Place(tmp_path / "data", **given)
    yield found
    found.close()


def asked(url: str, tmp_path: Path, **more: Any) -> Any:
    """What is fetched, with the text of its file."""
    target = tmp_path / "body"
    deadline = Deadline(more.pop("seconds", 30))
    try:
        found = fetch.fetch(Asked(url, target, more.pop("most", 1 << 20), **more), deadline)
    finally:
        deadline.off()
    return found and (found, target.read_bytes())


def test_an_answer_is_a_table(place: Place, site: Web) -> None:
    site.answers["/data"] = plain(b'[{"x": 1}]', content_type="application/json; charset=utf-8")
    site.answers["/packed.csv.gz"] = plain(gzip.compress(CSV))
    site.answers["/sent.csv"] = plain(gzip.compress(CSV), content_encoding="gzip")
    for name in ("a.csv", "data", "packed.csv.gz", "sent.csv"):
        place.register(f"t{len(name)}", source_type="url", location=site.url(f"/{name}"))
    assert [one.error for one in place.sync()] == [None] * 4
    two = [{"x": 1, "t": "one"}, {"x": 2, "t": "two"}]
    assert [place.rows(id) for id in ("t5", "t4", "t13", "t8")] == [two, [{"x": 1}], two, two]


@pytest.mark.parametrize("mode", ["full", "append"])
def test_only_what_is_new_is_taken(place: Place, site: Web, mode: str) -> None:
    place.register(source_type="url", location=site.url("/a.csv"), sync_mode=mode)
    place.one()
    site.answers["/a.csv"] = plain(b"", status="304 Not Modified")
    assert place.one().status == "unchanged"
    assert site.asked[-1][1]["if-none-match"] == '"1"'
    site.answers["/a.csv"] = plain(CSV)  # it knows of no tags, but sends the same
    assert place.one().status == "unchanged"
    site.answers["/a.csv"] = plain(b"x,t\n3,three\n", etag='"2"')
    attempt = place.one()
    assert (attempt.status, attempt.rows) == ("ok", 1)
    assert [row["x"] for row in place.rows()] == ([3] if mode == "full" else [1, 2, 3])


def test_a_new_address_or_way_of_reading_is_asked_without_conditions(
    place: Place, site: Web
) -> None:
    place.register(source_type="url", location=site.url("/a.csv"))
    place.one()
    place.change("one", options={"types": {"x": "VARCHAR"}})
    assert place.one().status == "ok"
    assert "if-none-match" not in site.asked[-1][1]
    site.answers["/b.csv"] = plain(CSV)
    place.change("one", location=site.url("/b.csv"))
    assert place.one().status == "ok"


@pytest.mark.parametrize(
    ("answer", "said", "what"),
    [
        (plain(b"", status="404 Not Found"), "it answered 404 Not Found", "source"),
        (plain(b"", status="500 Oops"), "it answered 500 Oops", "source"),
        (plain(b"", status="401 Unauthorized"), "it answered 401", "source"),
        (plain(b"", status="304 Not Modified"), "it answered 304", "source"),
        (plain(b""), "it is empty", "source"),
        (plain(b"x" * (2 << 20)), "more than 1 MB", "limit"),
        (plain(gzip.compress(b"0\n" * (1 << 20)), content_encoding="gzip"), "1 MB", "limit"),
        (leading("http://127.0.0.2/"), "no public address", "refused"),
        (leading("http://169.254.169.254/latest/"), "no public address", "refused"),
        (leading("http://[::ffff:127.0.0.1]/"), "no public address", "refused"),
        (leading("http://2130706433/"), "four decimal numbers", "refused"),
        (leading("file:///etc/passwd"), "http:// or https://", "refused"),
        (leading("http://user:secret@example.org/"), "no secrets", "refused"),
        (leading("/a.csv"), "leads on more than 5 times", "source"),
        (lambda line, path, headers: line.close(), "disconnected", "source"),
        (lambda line, path, headers: line.sendall(b"no http\r\n\r\n"), "127.0.0.1", "source"),
    ],
)
def test_what_is_no_answer_is_said_and_written_down(
    place: Place, site: Web, answer: Any, said: str, what: str
) -> None:
    site.answers["/a.csv"] = answer
    place.register(source_type="url", location=site.url("/a.csv"))
    attempt = place.one()
    assert attempt.status == "error"
    assert said in str(attempt.error)
    assert "secret@" not in str(attempt.error)
    event = place.log()[-1]
    assert event["result"] == f"error.{what}"
    assert orjson.loads(event["params"])["error"] == attempt.error
    assert place.parquets() == []


def test_few_steps_are_followed_also_to_a_signed_address(place: Place, site: Web) -> None:
    site.answers["/go"] = leading("/a.csv?X-Amz-Signature=abc", "307 Temporary Redirect")
    place.register(source_type="url", location=site.url("/go"), format="csv")
    assert place.one().error is None
    assert len(place.rows()) == 2
    assert "abc" not in str([place.log(), place.history(), place.table(TABLE_VERSIONS)])


def test_who_sends_a_byte_now_and_then_is_left(site: Web, tmp_path: Path) -> None:
    def slow_head(line: socket.socket, path: str, headers: dict[str, str]) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        site.drip(line, b"x-more: y\r\n")

    def slow_body(line: socket.socket, path: str, headers: dict[str, str]) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        site.drip(line, b"x")

    site.answers |= {"/head": slow_head, "/body": slow_body}
    allowed = [site.host]
    with pytest.raises(Failed, match=r"no answer within 0\.3 s"):
        asked(site.url("/head"), tmp_path, allowed=allowed, headers=0.3)
    with pytest.raises(Failed, match=r"it took longer than 0\.4 s"):
        asked(site.url("/body"), tmp_path, allowed=allowed, seconds=0.4)


def test_the_address_that_was_judged_is_the_one_that_is_asked(
    site: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is judged, and private when it is looked up again."""
    judged: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        judged.append(host)
        return ["8.8.8.8"] if len(judged) == 1 else ["127.0.0.1"]

    reached: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **more: Any) -> Any:
        reached.append(address[0])
        raise OSError("nobody is there")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Failed, match="nobody is there"):
        asked(f"http://rebound.example:{site.port}/a.csv", tmp_path, lookup=rebinding)
    assert (judged, reached) == (["rebound.example"], ["8.8.8.8"])
    with pytest.raises(Failed, match="no public address") as refused:
        asked(f"http://rebound.example:{site.port}/a.csv", tmp_path, lookup=rebinding)
    assert refused.value.what == "refused"
    assert reached == ["8.8.8.8"]


def test_a_name_keeps_its_host_and_its_own_address(site: Web, tmp_path: Path) -> None:
    """What the server is told is the name; a name that the operator allowed may be private."""
    url = f"http://inside.example:{site.port}/a.csv"
    found, body = asked(
        url, tmp_path, allowed=["inside.example"], lookup=lambda host, port: ["127.0.0.1"]
    )
    assert body == CSV
    assert site.asked[-1][1]["host"] == f"inside.example:{site.port}"
    assert found.told["etag"] == '"1"'


def test_a_certificate_is_held_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certified(tmp_path, "inside.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web(tls) as site:
        site.answers["/a.csv"] = plain(CSV)
        given: dict[str, Any] = {
            "allowed": ["inside.example", "other.example"],
            "lookup": lambda host, port: ["127.0.0.1"],
        }
        _, body = asked(f"https://inside.example:{site.port}/a.csv", tmp_path, **given)
        assert body == CSV
        with pytest.raises(Failed, match="certificate"):
            asked(f"https://other.example:{site.port}/a.csv", tmp_path, **given)


def test_a_step_is_judged_as_the_first_address_was(site: Web, tmp_path: Path) -> None:
    site.answers["/go"] = leading("http://other.example/a.csv")
    with pytest.raises(Failed, match="no public address"):
        asked(
            f"http://inside.example:{site.port}/go",
            tmp_path,
            allowed=["inside.example"],
            lookup=lambda host, port: ["127.0.0.1"],
        )


def test_nothing_leads_from_https_to_http() -> None:
    with pytest.raises(addresses.Refused, match="from https to http"):
        fetch._led("https://example.org/a", "http://example.org/b")

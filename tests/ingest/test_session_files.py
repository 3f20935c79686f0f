"""Names of transcripts: whatever is taken lies inside the folder of whoever sent it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.session_files import is_user_id, stored_name, target
from ingest.uploads import TEMPORARY
from schema.errors import BadParameter, NotFound
from tests.upload_corpus import payloads

ME = str(uuid.UUID(int=7))
SHAPES = [
    "../../etc/cron.d/x",
    "..\\..\\windows\\x.jsonl",
    "/etc/passwd",
    "a/../../b.jsonl",
    "./.ssh/authorized_keys",
    "%2e%2e%2fetc%2fpasswd",
    "....//....//x.jsonl",
    "x\r\nSet-Cookie: a=b",
    "a\r\n2026-01-01 INFO ok",
]
HOSTILE = payloads("upload_filename", "header_injection", "log_injection", shapes=SHAPES)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused_and_the_message_says_filename(name: str) -> None:
    with pytest.raises(BadParameter, match="filename") as caught:
        stored_name(name)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".jsonl",
        ".x.jsonl",
        "x.json",
        "x.jsonl.zip",
        "x.jsonl.gz.gz",
        "x.jsonl\n",
        "x..jsonl",
        "a b.jsonl",
        "ä.jsonl",
        "x.jsonl\0",
        "x.JSONL",
        "a" * 192 + ".jsonl",
        TEMPORARY + "0.jsonl",
    ],
)
def test_a_name_outside_the_rule_is_refused(name: str) -> None:
    with pytest.raises(BadParameter, match="filename"):
        stored_name(name)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a.jsonl", ("a.jsonl", False)),
        ("a.jsonl.gz", ("a.jsonl", True)),
        ("-.jsonl", ("-.jsonl", False)),
        ("a.b.jsonl.jsonl.gz", ("a.b.jsonl.jsonl", True)),
        ("a" * 191 + ".jsonl.gz", ("a" * 191 + ".jsonl", True)),
    ],
)
def test_a_name_inside_the_rule_is_kept_without_gz(name: str, stored: tuple[str, bool]) -> None:
    assert stored_name(name) == stored


NAMES = st.from_regex(r"\A[A-Za-z0-9._/\\%\x00 -]{0,20}(\.jsonl)?(\.gz)?\Z") | st.text(max_size=30)


@given(NAMES, st.none() | NAMES)
@example("agent-1.jsonl", "a.jsonl")
@example("agent-1.jsonl", f"{ME}/a.jsonl")
@example("agent-1.jsonl", f"{ME}/../a.jsonl")
def test_whatever_is_accepted_stays_inside_the_folder_of_its_user(
    name: str, parent: str | None
) -> None:
    try:
        found = target(ME, name, parent)
    except (BadParameter, NotFound):
        return
    root = Path("/data/sessions")
    path = root / found.session_file
    assert Path(os.path.normpath(path)) == path
    assert path.is_relative_to(root / ME)
    assert found.folders == list(path.parent.relative_to(root).parts)
    assert found.user_id == ME
    assert path.name == found.filename
    assert len(path.name) <= 255
    assert path.suffix == ".jsonl"
    assert not path.name.startswith(".")


@given(st.from_regex(r"\A[A-Za-z0-9_-][A-Za-z0-9_-]{0,190}\.jsonl(\.gz)?\Z"))
def test_every_plain_name_is_accepted(name: str) -> None:
    assert target(ME, name).session_file == f"{ME}/{name.removesuffix('.gz')}"


def test_a_subagent_is_kept_below_its_session() -> None:
    for parent in ("s.jsonl", f"{ME}/s.jsonl"):
        found = target(ME, "agent-1.jsonl.gz", parent)
        assert found.session_file == f"{ME}/s/subagents/agent-1.jsonl"
        assert found.parent == f"{ME}/s.jsonl"


@pytest.mark.parametrize(
    "parent", ["s", "s.jsonl.gz", "../s.jsonl", f"{ME}/", f"{ME}/.jsonl", "\n"]
)
def test_a_parent_that_is_no_session_file_is_refused(parent: str) -> None:
    with pytest.raises(BadParameter, match="parent"):
        target(ME, "agent-1.jsonl", parent)


def test_somebody_elses_session_is_no_parent() -> None:
    with pytest.raises(NotFound, match="no session that you have uploaded"):
        target(ME, "agent-1.jsonl", f"{uuid.UUID(int=8)}/s.jsonl")


def test_the_folder_of_subagents_never_takes_the_place_of_a_session() -> None:
    with pytest.raises(BadParameter, match="parent"):
        target(ME, "agent-1.jsonl", "s.jsonl.jsonl")


def test_a_subagent_is_named_as_one() -> None:
    with pytest.raises(BadParameter, match=r"filename='s2\.jsonl'.*agent-<id>\.jsonl"):
        target(ME, "s2.jsonl", "s.jsonl")


@pytest.mark.parametrize(
    "text", ["", "..", "7", str(uuid.UUID(int=7)).replace("-", ""), ME.upper() + "x"]
)
def test_only_a_uuid_names_a_folder_of_a_user(text: str) -> None:
    assert not is_user_id(text)
    with pytest.raises(ValueError, match="not the id of a user"):
        target(text, "s.jsonl")

"""Which files a push finds, and the names they are sent under."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.transcript_files import Passed, Transcript, find, legal_name, named

# The server's rule, written here a second time on purpose.
RULE = re.compile(r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,190}\.jsonl(\.gz)?\Z")
endings = st.sampled_from([".jsonl", ".jsonl.gz"])
names = st.builds(
    "{}{}".format,
    st.text(st.characters(exclude_characters="/\0"), max_size=250)
    | st.text("ab.-_ \n", max_size=250),
    endings,
)


def taken(name: str) -> bool:
    return RULE.match(name) is not None and ".." not in name


@given(names)
def test_every_name_becomes_one_that_the_server_takes(name: str) -> None:
    legal = legal_name(name)
    assert taken(legal)
    assert legal.endswith(".gz") == name.endswith(".gz")
    assert legal == legal_name(name)
    assert legal_name(legal) == legal


@given(names)
def test_a_name_changes_only_if_it_must(name: str) -> None:
    assert (legal_name(name) == name) == taken(name)


@given(st.lists(names, unique=True, max_size=8))
def test_different_names_stay_different(originals: list[str]) -> None:
    uploads = named([Transcript(Path("/folder") / name) for name in originals])
    stored = [upload.name.removesuffix(".gz") for upload in uploads]
    assert len(set(stored)) == len(originals)
    assert all(taken(upload.name) for upload in uploads)


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("7f575d17.jsonl", "7f575d17.jsonl"),
        ("a.b.jsonl.gz", "a.b.jsonl.gz"),
        ("FSM1+box__2e.jsonl", "FSM1_box__2e-######.jsonl"),
        ("a/../b.jsonl", "a____b-######.jsonl"),
        (".hidden.jsonl", "_hidden-######.jsonl"),
        ("..jsonl", "_-######.jsonl"),
        (".jsonl", "_-######.jsonl"),
        ("a..jsonl", "a_-######.jsonl"),
        ("a...b.jsonl", "a___b-######.jsonl"),
        ("\udcff\ud800.jsonl", "__-######.jsonl"),
        ("ä b\n.jsonl.gz", "__b_-######.jsonl.gz"),
        ("x" * 191 + ".jsonl", "x" * 191 + ".jsonl"),
        ("x" * 192 + ".jsonl", "x" * 182 + "-######.jsonl"),
    ],
)
def test_the_new_name_keeps_what_it_can(name: str, legal: str) -> None:
    assert re.sub(r"-[0-9a-f]{8}(?=\.jsonl)", "-######", legal_name(name)) == legal


def test_the_hash_is_of_the_original_name() -> None:
    # A change here would send every renamed file a second time under another name.
    assert legal_name("a b.jsonl") == "a_b-a0b8ff70.jsonl"


def test_a_taken_name_is_marked_and_stays_so(tmp_path: Path) -> None:
    transcripts = [Transcript(tmp_path / folder / "x.jsonl") for folder in "abc"]
    transcripts.append(Transcript(tmp_path / "d" / "x.jsonl.gz"))
    first = [upload.name for upload in named(transcripts)]
    assert first[0] == "x.jsonl"
    assert all(re.fullmatch(r"x-[0-9a-f]{8}\.jsonl", name) for name in first[1:3])
    assert re.fullmatch(r"x-[0-9a-f]{8}\.jsonl\.gz", first[3])
    assert len({name.removesuffix(".gz") for name in first}) == 4
    assert [upload.name for upload in named(transcripts)] == first


def test_subagents_of_different_sessions_may_share_a_name(tmp_path: Path) -> None:
    transcripts = [
        Transcript(
            tmp_path / session / "subagents" / "agent-1.jsonl", tmp_path / f"{session}.jsonl"
        )
        for session in ("s1", "s2")
    ]
    assert [upload.name for upload in named(transcripts)] == ["agent-1.jsonl"] * 2


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}\n")


def found(*paths: Path, root: Path) -> tuple[list[str], list[Passed]]:
    transcripts, passed = find(paths)
    return [str(each.path.relative_to(root)) for each in transcripts], passed


def test_a_folder_is_searched_to_its_depths_sessions_first(tmp_path: Path) -> None:
    write(tmp_path, "p/s1/subagents/agent-1.jsonl", "p/s1.jsonl", "a.jsonl.gz", "q/r/s2.jsonl")
    write(tmp_path, "p/notes.txt", "p/s.jsonl.bak", "p/s1/subagents/other.jsonl")
    names, passed = found(tmp_path, root=tmp_path)
    assert names == [
        "a.jsonl.gz",
        "p/s1.jsonl",
        "p/s1/subagents/other.jsonl",
        "q/r/s2.jsonl",
        "p/s1/subagents/agent-1.jsonl",
    ]
    assert passed == []


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_a_subagent_belongs_to_the_session_beside_its_folder(tmp_path: Path, ending: str) -> None:
    write(tmp_path, f"s1{ending}", "s1/subagents/agent-1.jsonl")
    transcripts, _ = find([tmp_path / "s1" / "subagents"])
    assert [each.parent for each in transcripts] == [tmp_path / f"s1{ending}"]


def test_a_file_named_twice_is_sent_once(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl")
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    names, passed = found(tmp_path, tmp_path / "a.jsonl", tmp_path / "link.jsonl", root=tmp_path)
    assert (names, passed) == (["a.jsonl"], [])


def test_links_that_lead_outside_are_passed_over_and_said(tmp_path: Path) -> None:
    write(tmp_path, "in/a.jsonl", "out/secret.jsonl", "in-too/b.jsonl")
    (tmp_path / "in/file.jsonl").symlink_to("../out/secret.jsonl")
    (tmp_path / "in/folder").symlink_to("../out")
    (tmp_path / "in/near.jsonl").symlink_to("../in-too/b.jsonl")
    (tmp_path / "in/loop").symlink_to(".")
    (tmp_path / "in/dangling.jsonl").symlink_to("nowhere.jsonl")
    names, passed = found(tmp_path / "in", root=tmp_path)
    assert names == ["in/a.jsonl"]
    assert sorted(each.path.name for each in passed) == ["file.jsonl", "folder", "near.jsonl"]
    assert not any(each.asked for each in passed)


def test_a_folder_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "real/a.jsonl")
    (tmp_path / "link").symlink_to("real")
    assert found(tmp_path / "link", root=tmp_path)[0] == ["link/a.jsonl"]


def test_what_was_named_and_cannot_be_sent_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "dangling.jsonl").symlink_to("nowhere")
    asked = [tmp_path / name for name in ("a.txt", "pipe.jsonl", "none.jsonl", "dangling.jsonl")]
    names, passed = found(*asked, root=tmp_path)
    assert names == []
    assert [each.path for each in passed] == asked
    assert all(each.asked for each in passed)


def test_a_pipe_in_a_folder_is_no_transcript(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert found(tmp_path, root=tmp_path) == ([], [])

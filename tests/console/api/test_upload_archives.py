"""Archives in a transcript's place: nothing is ever unpacked, whatever they hold and are named."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.pipeline import Files, process
from ingest.usage import Session
from tests.console.access_world import World
from tests.upload_corpus import payloads

SHAPES = [
    {"gen": "tar", "member": "../../x"},
    {"gen": "tar", "member": "/etc/x"},
    {"gen": "tar", "member": "dev", "type": "chardev"},
    {"gen": "tar", "member": "link", "type": "symlink"},
    {"gen": "tar", "member": "hard", "type": "hardlink"},
    {"gen": "zip", "member": "../../x"},
    {"gen": "zip", "member": "a.jsonl", "dup": 2},
]
CASES = payloads("upload_archive", shapes=SHAPES)
_KINDS = {"chardev": tarfile.CHRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("archives") / "data") as world:
        yield world


def archive(case: dict[str, Any]) -> bytes:
    """The bytes of the archive that a case describes."""
    out, line = io.BytesIO(), b'{"type":"user"}\n'
    if case["gen"] == "zip":
        with zipfile.ZipFile(out, "w") as packed, pytest.MonkeyPatch.context() as quiet:
            quiet.setattr("warnings.warn", lambda *_, **__: None)  # of the name that comes twice
            for _ in range(case.get("dup", 1)):
                packed.writestr(case["member"], line)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(case["member"])
        member.type = _KINDS.get(case.get("type", ""), tarfile.REGTYPE)
        member.linkname = "../../../etc/passwd"
        member.size = len(line) if member.isreg() else 0
        tar.addfile(member, io.BytesIO(line))
    return out.getvalue()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_archive_is_refused_by_its_name_and_never_unpacked(
    world: World, case: dict[str, Any]
) -> None:
    data = archive(case)
    folder = Path(world.settings.folder)
    me = world.user()
    with world.client(world.token(me)) as client:
        for ending in (case["gen"], "tar.gz", "tgz"):
            file = (f"a.{ending}", data)
            answer = client.post("/api/upload/sessions", files={"file": file})
            assert answer.status_code == 400
            assert "filename" in answer.json()["error"]
        for name, body in (("a.jsonl", data), ("b.jsonl.gz", gzip.compress(data))):
            answer = client.post("/api/upload/sessions", files={"file": (name, body)})
            assert answer.status_code == 201, "bytes are bytes, and stay what they are"
    mine = sorted(path for path in (folder / "sessions" / me).rglob("*"))
    assert [path.name for path in mine] == ["a.jsonl", "b.jsonl"]
    assert all(path.is_file() and not path.is_symlink() for path in mine)
    assert {path.read_bytes() for path in mine} == {data}
    assert not list(folder.parent.rglob("x"))
    session = Session(f"{me}/a.jsonl", me, None, datetime(2026, 1, 1))
    names = ("usage", "failure_scan")
    done = process(session, Files(mine[0]), names, fingerprint="", now=datetime(2026, 1, 2))
    assert [one.error for one in done.outcomes.values()] == ["", ""]
    assert done.tables["usage_events"] == []

"""Memory stays bounded whatever a file holds: measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

MB = 1 << 20
SMILE = "\U0001f600".encode()
# Not `ru_maxrss`: that begins with what the process that starts it takes.
MEASURE = """
import sys
from ingest.transcript import Indexer, read
indexer = Indexer()
indexer.finish(read(sys.argv[1], note=indexer.note)).to_bytes()
(most,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(most.split()[1]) // 1024)
"""


def calls(n: int) -> bytes:
    block = b'{"type":"tool_use","id":"t%d-%d","name":"a"}'
    blocks = b",".join([block % (n, k) for k in range(100_000)])
    return b'{"type":"assistant","uuid":"u%d","message":{"content":[' % n + blocks + b"]}}"


def failures(n: int) -> bytes:
    used = b'{"type":"tool_use","id":"t%d","name":"a","input":%d}' % (n, n)
    failed = b'{"type":"tool_result","tool_use_id":"t%d","is_error":true,"content":"%s"}'
    return (
        b'{"type":"assistant","message":{"id":"m%d","content":[%s]}}\n' % (n, used)
        + b'{"type":"user","message":{"content":['
        + failed % (n, SMILE * 500)
        + b"]}}"
    )


LINES: dict[str, Callable[[int], bytes]] = {
    "a hundred thousand calls a line": calls,
    "failures with long texts": failures,
    "tiny records": lambda n: b'{"type":"x"}\n' * 1_000,
    "tiny prompts": lambda n: b'{"type":"user","uuid":"%032d","message":"hi%d"}' % (n, n),
    "tiny answers": lambda n: b'{"type":"assistant","message":{"id":"m%d","content":"x"}}' % n,
    "a type each": lambda n: b'{"type":"%0100d"}' % n,
    "a time each": lambda n: b'{"type":"mode","timestamp":%d}' % n,
    "broken lines": lambda n: b"x\n" * MB,
    "blank lines": lambda n: b"\n" * MB,
    "old line ends": lambda n: b'{"type":"user","message":"hi"}\r' * 1_000,
    "wide lines": lambda n: b'{"type":"user","message":[' + b"[]," * 240_000 + b"1]}",
    "many keys": lambda n: b"{" + b",".join([b'"%d":{}' % k for k in range(240_000)]) + b"}",
    "one long text a line": lambda n: (
        b'{"type":"user","message":"' + SMILE + b"y" * 15 * MB + b'"}'
    ),
    "a line without end": lambda n: b"{" * 128 * MB,
    "broken text": lambda n: b'{"type":"user","message":"\xff' + b"y" * 3 * MB + b'"}',
    "halves of pairs": lambda n: b'{"type":"user","message":"' + b"\\ud800" * (MB // 2) + b'"}',
    "reminders that do not end": lambda n: (
        b'{"type":"user","message":"' + b"<system-reminder>" * 5_000 + b'"}'
    ),
    "commands": lambda n: (
        b'{"type":"user","message":"' + b"<command-name>/a</command-name>" * 3_000 + b'"}'
    ),
    "sidechains without a name": lambda n: (
        b'{"type":"user","isSidechain":true,"uuid":"%032d","message":"hi"}' % n
    ),
}


def written(path: Path, line: Callable[[int], bytes], size: int) -> Path:
    with path.open("wb", buffering=MB) as file:
        for n in count():
            file.write(line(n) + b"\n")
            if file.tell() >= size:
                return path
    raise AssertionError


def megabytes(path: Path) -> int:
    """What a process takes at most to read and index a file."""
    command = [sys.executable, "-c", MEASURE, str(path)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize(
    "line", ["a hundred thousand calls a line", "failures with long texts", "one long text a line"]
)
def test_a_nasty_file_is_read_in_little_memory(line: str, tmp_path: Path) -> None:
    assert megabytes(written(tmp_path / "s.jsonl", LINES[line], 40 * MB)) < 220


@pytest.mark.soak
@pytest.mark.parametrize("line", LINES)
def test_128_mb_of_the_nastiest_lines_are_read_in_bounded_memory(line: str, tmp_path: Path) -> None:
    assert megabytes(written(tmp_path / "s.jsonl", LINES[line], 128 * MB)) < 250

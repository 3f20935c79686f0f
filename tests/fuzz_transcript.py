"""A coverage-guided search for bytes that the transcript reader does not bear.

`python tests/fuzz_transcript.py -runs=20000 [folder of inputs]`; the options are libFuzzer's. It
ends with an error on the first exception, and on the first disagreement of reader, index and pages
about the turns. pytest does not collect this file, and nobody imports it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(include=["ingest.transcript"]):
    from ingest.transcript import build, events, head, read

# A good file, for the bytes to land in.
SEED = b"""\
{"type":"user","uuid":"u","timestamp":"2026-03-01T10:00:00Z","message":{"content":"go on"}}
{"type":"assistant","uuid":"a","message":{"id":"m","usage":{"output_tokens":1},"content":[\
{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}
{"type":"user","uuid":"r","message":{"content":[{"type":"tool_result","tool_use_id":"t",\
"content":[{"type":"text","text":"no"},{"type":"image","source":{"data":"AA=="}}]}]}}
{"type":"queue-operation","operation":"enqueue","content":"and this"}
{"type":"attachment","attachment":{"type":"queued_command","prompt":"<command-name>/x"}}
"""


def one(data: bytes) -> None:
    """`data` as a whole file, and put into a good one, whose place the first byte gives."""
    place = data[0] * len(SEED) // 256 if data else 0
    for text in (data, SEED[:place] + data[1:] + SEED[place:]):
        stream = io.BytesIO(text)
        digest = read(stream)
        index = build(stream)
        whole = events(index, stream, (), 0, index.total)
        if [event.turn for event in whole] != list(range(digest.turns)):
            raise AssertionError("reader and pages count turns differently")
        if head(stream, 0, digest.turns) != whole:
            raise AssertionError("pages with and without an index differ")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

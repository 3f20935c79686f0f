"""Hostile inputs: those of the corpus where there is one, and always small ones of the same shape.

`AGNES_TEST_CORPUS` names the folder with `bad_inputs.jsonl`. Something is always tested.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def payloads(*surfaces: str, shapes: Sequence[Any]) -> list[Any]:
    """`shapes`, and what the corpus has for these surfaces."""
    folder = os.environ.get("AGNES_TEST_CORPUS")
    if not folder:
        return list(shapes)
    # Read by the standard library: some payloads are half of a surrogate pair, on purpose.
    lines = (Path(folder) / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    cases: list[dict[str, Any]] = [json.loads(line) for line in lines]
    found = [case["payload"] for case in cases if case["surface"] in surfaces]
    assert found, f"the corpus has nothing for {surfaces}"
    return [*(shape for shape in shapes if shape not in found), *found]

"""Habits of the text itself: nothing of one machine, short pieces, no test put aside."""

from __future__ import annotations

import ast
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bench", "console", "ingest", "schema")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50

# In pieces, so that this file does not name them.
REGISTRIES = tuple(
    ".".join(words)
    for words in (
        ("py" + "pi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarn" + "pkg", "com"),
        ("repo", "ana" + "conda", "com"),
        ("conda", "ana" + "conda", "org"),
        ("static", "crates", "io"),
        ("deb", "debian", "org"),
    )
)
INDEX_OPTION = "index" + "-url"

# Folders that every machine has: their names in a text say nothing of this one.
COMMON = {
    *("/", "/app", "/builds", "/data", "/home", "/opt", "/root", "/src", "/srv", "/tmp"),
    *("/usr/local/src", "/usr/src", "/var/tmp", "/workspace", "/workspaces"),
}
PUT_ASIDE = {"importorskip", "skip", "skipif", "xfail"}


@cache
def texts() -> dict[str, str]:
    """Every text file that is committed or could be: path -> content. Binary files are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for name in filter(None, listed.split("\0")):
        try:
            found[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, or deleted and not yet committed
    assert "pyproject.toml" in found
    return found


def python(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for name, text in texts().items():
        if name.endswith(".py") and name.partition("/")[0] in folders:
            yield name, ast.parse(text)


def places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def machine_path(root: Path) -> re.Pattern[str]:
    """Matches a path below the checkout's parent, or below the checkout if the parent is common."""
    common = {*COMMON, tempfile.gettempdir()}
    own = root if str(root.parent) in common else root.parent
    return re.compile(rf"(?<![\w.]){re.escape(str(own))}/\w")


def test_no_file_names_a_package_registry() -> None:
    words = "|".join(re.escape(word) for word in (*REGISTRIES, INDEX_OPTION))
    assert places(re.compile(words)) == []


def test_no_file_names_a_path_of_this_machine() -> None:
    assert places(machine_path(ROOT)) == []


def test_a_path_of_this_machine_would_be_seen() -> None:
    pattern = machine_path(Path("/data/people/checkout"))
    assert pattern.search("see /data/people/notes.txt")
    assert not pattern.search("https://example.org/data/people/x")
    assert not machine_path(Path("/tmp/checkout")).search("in /tmp/elsewhere")


def test_files_stay_short_enough_to_read() -> None:
    sizes = {name: len(texts()[name].splitlines()) for name, _ in python(*ROOMS)}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_functions_stay_short_enough_to_read() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in python(*ROOMS)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_test_is_put_aside() -> None:
    aside = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name, tree in python("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in PUT_ASIDE
        and ast.unparse(node).startswith("pytest.")
    ]
    assert aside == []

"""A replay as lines of a terminal. What was said goes through `plain_lines`; only the marks that
stand here are ours."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.cli import replay_calls
from console.cli.output import Row, dash, moment
from console.cli.session_tables import SEVERITY_STYLES, VERDICT_STYLES, short, span
from console.cli.text import plain, plain_lines

INDENT = 6
CUT = 240  # characters of a folded line
MARK = 110  # characters of a finding where it happened; the head has it whole
# How many lines of an event are shown before the rest is folded, by its kind.
FOLDS = {"text": 60, "thinking": 4, "tool_use": 16, "tool_result": 10, "meta": 3}
OUTCOMES = {
    "ok": "",
    "error": "failed",
    "user_rejected": "rejected by the user",
    "policy_denied": "denied by a rule",
}
LABELS = {
    "human": "user",
    "slash": "user command",
    "queued": "user, while it worked",
    "answer": "assistant",
    "api_error": "API error",
}
STYLES = {"human": "cyan", "slash": "cyan", "queued": "cyan", "api_error": "red"}
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_FINDINGS = 10  # that the head lists


@dataclass(frozen=True)
class Line:
    """One line, safe to print, and its style as rich names it."""

    text: str
    style: str = ""


@dataclass
class Replay:
    """Turns pages of one transcript into lines. `width` is the terminal's, None for none; `full`
    folds nothing; `gaps` says where events are left out."""

    width: int | None = None
    full: bool = False
    gaps: bool = False
    _found: dict[int, list[tuple[int, Row]]] = field(default_factory=dict)
    _count: int = 0
    _day: str = ""
    _last: int | None = None
    _calls: bool = False

    def head(self, page: Row) -> Iterator[Line]:
        """The verdict with its checks, then what is known of the session."""
        findings = page["findings"]
        self._count, self._calls = len(findings), bool(page["indexed"])
        for number, finding in enumerate(findings, 1):
            self._found.setdefault(finding["turn_index"], []).append((number, finding))
        yield from self._verdict(page)
        yield from _facts(page)
        if findings:
            word = "finding" if len(findings) == 1 else "findings"
            yield Line(f"{len(findings)} {word}")
            for finding in findings[:_FINDINGS]:
                yield from self._listed(finding)
            if len(findings) > _FINDINGS:
                yield Line(f"  … {len(findings) - _FINDINGS} more: --errors shows them all")
        yield Line("")

    def events(self, rows: Iterable[Row]) -> Iterator[Line]:
        for row in rows:
            yield from self._before(row)
            yield from self._event(row)

    def _verdict(self, page: Row) -> Iterator[Line]:
        judged = page["verdict"] or {}
        word = plain(judged.get("verdict") or "not judged yet")
        name = f"{short(page['session_file'])} of {dash(page['username'] or page['user_id'])}"
        yield Line(f"{word.upper()}: {name}", f"bold {VERDICT_STYLES.get(word, '')}")
        for check in judged.get("checks") or ():
            mark, style = ("ok  ", "dim") if check["passed"] else ("FAIL", "red")
            turns = ", ".join(f"#{turn}" for turn in check["turns"][:5])
            turns += ", …" if len(check["turns"]) > 5 else ""
            text = f"  {mark}  {plain(check['name']):<10} {plain(check['says'])}"
            yield from self._wrapped(text + (f" ({turns})" if turns else ""), 18, style)

    def _listed(self, finding: Row) -> Iterator[Line]:
        text = f"  - #{finding['turn_index']} {_finding(finding)}"
        yield from self._wrapped(text, 4, SEVERITY_STYLES.get(finding["severity"], ""))

    def _before(self, row: Row) -> Iterator[Line]:
        """What changed since the last event: the day, what was left out."""
        if self.gaps and self._last is not None and row["turn"] > self._last + 1:
            between = row["turn"] - self._last - 1
            yield Line(f"  ⋮ {between:,} {'event' if between == 1 else 'events'}", "dim")
        self._last = row["turn"]
        day = moment(row["ts"])[:10]
        if row["ts"] and day != self._day:
            self._day = day
            yield Line(f"── {day} UTC ──", "dim")

    def _event(self, row: Row) -> Iterator[Line]:
        label, style = _label(row, known=self._calls)
        mark = "!" if style == "red" else " "
        agent = f"[agent {plain(row['agent'])}] " if row["agent"] else ""
        time = moment(row["ts"])[11:19] if row["ts"] else " " * 8
        head = f"{mark} #{row['turn']:<5} {time}  {agent}{label}"
        yield from self._wrapped(head, INDENT, f"bold {style}".strip())
        for number, finding in self._found.get(row["turn"], ()):
            text = f"  >> finding {number} of {self._count}: {_finding(finding)}"
            most = len(text) if self.full else min(self.width or MARK, MARK)
            text = text if len(text) <= most else f"{text[: most - 1]}…"
            yield from self._wrapped(text, INDENT, SEVERITY_STYLES.get(finding["severity"], ""))
        yield from self._folded(row)

    def _folded(self, row: Row) -> Iterator[Line]:
        """The body of an event, folded unless all is wanted."""
        lines = _body(row)
        most = len(lines) if self.full else FOLDS.get(row["kind"], 10)
        # One line more is no longer than the line that says so.
        shown = lines if len(lines) <= most + 1 else lines[:most]
        dim = "dim" if row["kind"] in ("thinking", "meta") else ""
        for line in shown:
            cut = len(line) - CUT
            if cut > 0 and not self.full and row["kind"] != "text":
                line = f"{line[:CUT]}… {cut:,} more characters (--full)"
            style = _STYLE_OF_CHANGE.get(line[:2], dim) if row["kind"] == "tool_use" else dim
            yield from self._wrapped(" " * INDENT + line, INDENT, style)
        if len(shown) < len(lines):
            yield Line(f"{' ' * INDENT}… {len(lines) - len(shown):,} more lines (--full)", "dim")

    def _wrapped(self, text: str, indent: int, style: str = "") -> Iterator[Line]:
        """`text` in as many lines as the terminal needs for it, the later ones indented."""
        if self.width is None or (text.isascii() and len(text) <= self.width):
            yield Line(text.rstrip(), style)
            return
        for piece in wrapped(text, max(self.width, 2 * indent + 10), indent):
            yield Line(piece.rstrip(), style)


_STYLE_OF_CHANGE = {"- ": "red", "+ ": "green"}


def wrapped(text: str, width: int, indent: int) -> list[str]:
    """`text` in pieces of at most `width` cells of a terminal, each at least as far in as it is."""
    rest, later = text.lstrip(" "), " " * indent
    margin = text[: len(text) - len(rest)][: width // 2]
    if rest.isascii():
        pieces = textwrap.wrap(
            rest,
            width,
            initial_indent=margin,
            subsequent_indent=later,
            replace_whitespace=False,
            break_on_hyphens=False,
        )
        return pieces or [""]
    return _wrapped_cells(rest, width, margin, later)


def _wrapped_cells(text: str, width: int, margin: str, later: str) -> list[str]:
    """The same for text whose characters are not all one cell wide."""
    from rich.cells import cell_len

    pieces, piece, filled = [], margin, len(margin)
    for part in re.findall(r"\s+|\S" if _dense(text) else r"\s+|\S+", text):
        room = cell_len(part)
        if filled + room > width and piece.strip():
            pieces.append(piece)
            piece, filled = later, len(later)
            if part.isspace():
                continue
        while filled + room > width:  # a word that is longer than a line
            keep = _fitting(part, width - filled)
            pieces.append(piece + part[:keep])
            part, piece, filled = part[keep:], later, len(later)
            room = cell_len(part)
        piece, filled = piece + part, filled + room
    return [*pieces, piece]


def _dense(text: str) -> bool:
    """Whether words are not set apart by spaces, as in Chinese."""
    return text.count(" ") * 20 < len(text)


def _fitting(text: str, width: int) -> int:
    """How many characters fill at most `width` cells; at least one."""
    from rich.cells import cell_len

    filled = 0
    for number, letter in enumerate(text):
        filled += cell_len(letter)
        if filled > width:
            return max(1, number)
    return len(text)


def said(text: str) -> list[str]:
    """Text of others as lines that a terminal shows and never obeys. Colours it came with are left
    out, tabs become spaces."""
    clean = _COLOURS.sub("", text.replace("\r\n", "\n")).expandtabs(4)
    return plain_lines(clean).split("\n")


def _body(row: Row) -> list[str]:
    if row["kind"] == "tool_use":
        name = str(row["tool_name"] or "")
        return [line for text in replay_calls.body(name, row["input"]) for line in said(text)]
    lines = said(row["text"] or "")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return lines


def _label(row: Row, *, known: bool) -> tuple[str, str]:
    """Who or what an event is, and its colour; red is what failed. `known`: whether a call without
    a result has none."""
    kind, subtype = row["kind"], row["subtype"]
    if kind == "text":
        return LABELS.get(subtype) or plain(row["role"]), STYLES.get(subtype, "")
    if kind == "tool_use":
        title = plain(replay_calls.title(str(row["tool_name"] or ""), row["input"]))
        if len(title) > CUT:
            title = f"{title[:CUT]}…"
        ended = ", no result" if known and row["result_turn"] is None else ""
        return f"call {dash(row['tool_name'])}{ended}" + (f": {title}" if title else ""), ""
    if kind == "tool_result":
        return _result(row)
    if kind == "image":
        size = f", {row['size']:,} bytes" if row["size"] else ""
        return f"image {dash(row['media_type'])}{size}", ""
    what = plain(subtype or row["role"])
    return f"{plain(kind)} {what}" if kind != "thinking" else "thinking", "dim"


def _result(row: Row) -> tuple[str, str]:
    outcome = str(row["outcome"] or "")
    ended = OUTCOMES.get(outcome, plain(outcome))
    spent = row["duration_ms"]
    parts = [ended, span(spent / 1000) if spent is not None else ""]
    if row["call_turn"] is not None and row["call_turn"] != row["turn"] - 1:
        parts.append(f"of #{row['call_turn']}")
    told = ", ".join(part for part in parts if part)
    name = f"result {dash(row['tool_name'])}" + (f": {told}" if told else "")
    return name, "red" if outcome == "error" or row["is_error"] else "yellow" if ended else ""


def _finding(finding: Row) -> str:
    kind = "/".join(plain(finding[name]) for name in ("finding_type", "subtype") if finding[name])
    times = f", {finding['count']} times" if finding["count"] > 1 else ""
    return f"{plain(finding['severity'])} {kind}{times}: {dash(finding['excerpt'])}"


def _facts(page: Row) -> Iterator[Line]:
    summary: Mapping[str, Any] = page["summary"] or {}
    yield Line(plain(page["session_file"]), "dim")
    if not summary:
        waits = "" if page["indexed"] else "; being indexed, so errors may be missing"
        yield Line(f"not processed yet{waits}")
        return
    times: Sequence[str] = [moment(summary[name]) for name in ("started_at", "ended_at")]
    yield Line(
        f"{dash(summary['primary_model'])}, {times[0]} to {times[1]}, "
        f"active {span(summary['active_seconds'])}"
    )
    calls, failed = summary["tool_calls"], summary["tool_errors"]
    events = "" if page["total"] is None else f"{page['total']:,} events, "
    yield Line(
        f"{events}{summary['user_messages']:,} prompts, {calls:,} calls of which {failed:,} failed,"
        f" {summary['tokens']:,} tokens"
    )

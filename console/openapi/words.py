"""What the API's parameters and fields mean: one sentence a name, for all endpoints that take it.

A test asks that each name has one. Ranges and defaults come from the handlers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.export import FORMATS
from console.feedback.given import STATUSES
from console.identity.tokens import KINDS
from console.queries.sessions import FINDING_TYPES, VERDICTS
from console.queries.telemetry_filter import OUTCOMES
from console.queries.vocabulary import CLIENT_KINDS, RESULT_CLASSES

# Names that end so mean the same as without it, turned round.
TURNED = "_not"

# In the query string.
PARAMETERS: Mapping[str, str] = {
    "action_in": "Exactly one of these actions, with commas between them.",
    "action_prefix": "Actions that begin so.",
    "anchor": "Which time of a session the window counts by: uploaded or started.",
    "assignee": "Id of the admin a report is assigned to; none for nobody.",
    "category": "Category of a report.",
    "client_kind": "How the caller came: " + ", ".join(CLIENT_KINDS) + ", or none.",
    "columns": "What a pivot's columns are grouped by.",
    "columns_limit": "Most columns that are shown by name; the rest is summed.",
    "correlation_id": "What one request started carries one id.",
    "cursor_id": "Id of the row after which the page begins; goes with cursor_ts.",
    "cursor_ts": "Time of the row after which the page begins; goes with cursor_id.",
    "day": "A day in UTC, as 2026-11-22; the last one that is over, without it.",
    "dry_run": "Answer what would change, and change nothing.",
    "event_type": "Kind of call: tool_use, mcp_call, subagent or slash_command.",
    "finding": "Reports whose session has a finding of this type.",
    "finding_type": "One of " + ", ".join(FINDING_TYPES) + ".",
    "fingerprint": "SHA-256 of a report's normalised message and last error, in hexadecimal.",
    "format": "One of " + ", ".join(FORMATS) + "; json is one row a line.",
    "from": "Number of the first event.",
    "group": "Id or name of a group; everybody, without it.",
    "group_by": "What is counted for each: day, username, tool_name, source, ref_id, skill, "
    "subagent, mcp_server or model.",
    "group_id": "Id of a group.",
    "has_finding": "Sessions with a finding of this type: " + ", ".join(FINDING_TYPES) + ".",
    "has_session": "Reports with (true) or without (false) a session.",
    "heads": "Groups of equal reports (true), or every report (false).",
    "include_self_reads": "Show also the rows that say that the log was read.",
    "job": "Name of a job.",
    "kind": "Kind of what is listed.",
    "kinds": "Kinds of events that are answered, with commas between them.",
    "limit": "Most rows of the answer.",
    "live": "Settings that can be changed while the server runs (true), or the others.",
    "marketplace": "Name of a marketplace.",
    "mcp_server": "Name of an MCP server.",
    "measure": "What a pivot's cells count.",
    "model": "Name of a language model.",
    "n": "Number of rows.",
    "newer": "The page before the cursor instead of the one after it.",
    "offset": "Number of rows that are left out before the first.",
    "only_errors": "Only what went wrong.",
    "outcome": "How a call ended: " + ", ".join(OUTCOMES) + ".",
    "page": "Path of the page a view belongs to.",
    "pivot": "rows, columns and measure of a table, with commas between them.",
    "plugin": "Name of a plugin.",
    "processed": "Sessions that were read (true) or still wait (false).",
    "processor": "usage or failure_scan.",
    "q": "Text to look for; % and _ are only themselves.",
    "query": 'A filter as typed in the page\'s box: `field:value -field:value since:2d "words"`.',
    "reason": "Why the transcript is opened, where AGNES_TRANSCRIPT_REASON asks for it.",
    "ref_id": "Id of the plugin item that a call belongs to.",
    "reporter": "Id of who sent the report.",
    "resource": "What a row is about, exactly.",
    "resource_prefix": "Rows about what begins so.",
    "resource_type": "activity, telemetry, sessions, feedback or table.",
    "result_class": "One of " + ", ".join(RESULT_CLASSES) + ".",
    "result_pattern": "A LIKE pattern that the result matches.",
    "rows": "What a pivot's rows are grouped by.",
    "session_file": "Key of a session: <user id>/<file name>.",
    "severity": "info, warning or error.",
    "since": "Begin of the window, ISO 8601; wins over since_minutes.",
    "since_minutes": "Length of the window, counted back from until, else from now.",
    "skill": "Name of a skill.",
    "sort": "Column and direction, as `name:desc`.",
    "source": "Where the row comes from.",
    "source_type": "Kind of a table's source.",
    "status": "State of what is listed.",
    "subagent": "Type of a subagent.",
    "subtype": "Subtype of a finding.",
    "table_id": "Id of a table.",
    "tag": "A tag that the report has.",
    "tool_name": "Name of a tool.",
    "top": "Number of groups with a line of their own; the rest is summed.",
    "type": "Type of an item of a plugin.",
    "unread": "Only what is not yet read.",
    "until": "End of the window, ISO 8601; now, without it.",
    "user_id": "Id of a user.",
    "username": "Name of the user's folder, or an id.",
    "verdict": "One of " + ", ".join(VERDICTS) + ".",
    "week": "ISO date of a Monday.",
    "window": "Length of the window, as 24h, 7d or 30d.",
    "with": "Id of the run to compare with.",
}

# In a JSON body.
FIELDS: Mapping[str, str] = {
    "ack_preview": "Must be true: the sender has seen what is sent.",
    "all": "All that is unread.",
    "assignee": "Id of an admin; null takes it back.",
    "body": "The template's whole text.",
    "bucket": "Heading under which the catalog lists the table.",
    "category": "Category of a report.",
    "change": "What to change in each: status, assignee, tags, resolution, fixed_in, category.",
    "chat_id": "Telegram's id of a chat.",
    "claim": "Value of the sign-in's groups claim that makes people members.",
    "columns": "Names of columns; without them all.",
    "connection": "Name of the setting that holds a database's address.",
    "cursor_column": "Column by which an append knows what is new.",
    "day": "A day in UTC, as 2026-11-22.",
    "days": "Days in UTC; without them all that are marked.",
    "description": "What it is for.",
    "dry_run": "Answer what would change, and change nothing.",
    "due": "Only what is due by its schedule.",
    "email": "E-mail address.",
    "enabled": "Whether it runs when it is due.",
    "environment": "Versions and system of the sender.",
    "expires_days": "Days until the token ends.",
    "fixed_in": "Version that has the fix.",
    "format": "csv, json or parquet; as the file's name ends, without it.",
    "group_id": "Id of a group.",
    "id": "Id.",
    "idempotency_key": "Sent again with the same key, a report is stored once.",
    "ids": "Ids of what is meant.",
    "into": "Id of the report that stands for the others.",
    "is_active": "Whether the user may sign in.",
    "is_admin": "Whether the user sees and does everything.",
    "is_default": "Whether it is shown when its page is opened.",
    "items": "The plugins' items.",
    "key": "Name of a setting.",
    "keep": "How many backups are kept; older ones are removed.",
    "kind": "Kind of a token: " + ", ".join(KINDS) + ".",
    "limit": "Most rows of the answer.",
    "location": "Path or address of the data.",
    "marketplace": "Name of a marketplace.",
    "meanings": "Column → what it means.",
    "memory_mb": "Most memory of the script.",
    "message": "What went wrong, in words.",
    "name": "A name to show.",
    "options": "How a CSV file is read: delimiter, header and the like.",
    "owner": "Id of the user whose rights the script has.",
    "page": "Path of the page a view belongs to.",
    "parameters": "Parameter of the notebook → value.",
    "password": "12 characters or more; only its hash is kept.",
    "path": "Where the script is, below the folder of scripts.",
    "processors": "usage, failure_scan.",
    "query": "The page's filter.",
    "query_mode": "local: synced into a file; remote: asked at its source.",
    "question": "1 to 1,000 characters.",
    "reason": "Why.",
    "reports": "A list of {id, version}.",
    "resolution": "What was done about it, told to the reporter.",
    "resource_id": "Id of a table, where the type is table.",
    "resource_type": "activity, telemetry, sessions, feedback or table.",
    "schedule": "Such as `every 15m`, `daily 05:00`, or five fields of cron.",
    "session_excerpt": "JSONL of the last turns, cleaned of secrets.",
    "session_file": "Key of a session: <user id>/<file name>.",
    "source": "Where it comes from.",
    "source_type": "Kind of the table's source.",
    "sql": "One SELECT in DuckDB's SQL.",
    "sso_linked": "false forgets which account of the provider signs in as this user.",
    "statement": "The SELECT that reads a table of another database.",
    "status": "One of " + ", ".join(STATUSES) + ".",
    "sync_mode": "full or append.",
    "table": "Id or name of a table.",
    "tables": "Ids of tables.",
    "tags": "A list of texts.",
    "timeout_seconds": "Seconds after which the script is ended.",
    "user_id": "Id of a user.",
    "value": "What it is set to.",
    "values": "Name of a setting → what it is set to; null takes it back to its default.",
    "version": "The version that was seen; another one answers 409.",
    "wait_seconds": "How long to wait for what was begun.",
    "where": "A condition in DuckDB's SQL, over the table's columns.",
}

# Parameters with a closed set of values, wherever they are taken.
CLOSED: Mapping[str, tuple[str, ...]] = {
    "anchor": ("uploaded", "started"),
    "format": tuple(FORMATS),
    "has_finding": FINDING_TYPES,
    "verdict": VERDICTS,
    "result_class": RESULT_CLASSES,
    "severity": ("info", "warning", "error"),
}


def parameter(name: str) -> str | None:
    """The sentence of a parameter; None for one that has none."""
    base = name.removesuffix(TURNED)
    said = PARAMETERS.get(name) or PARAMETERS.get(base)
    return f"Not: {said[0].lower()}{said[1:]}" if said and base != name else said


def values(name: str) -> dict[str, Any]:
    """The schema's part that closes a parameter's values."""
    found = CLOSED.get(name.removesuffix(TURNED))
    return {"enum": list(found)} if found else {}

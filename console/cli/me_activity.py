"""`agnes me activity …`: what the instance has recorded about oneself. No grant is needed."""

from __future__ import annotations

from console.cli.events import Source, events

app = events(
    "Your own part of the audit log. Without a command: list, with the options of `list --help`.",
    Source("me activity", lambda client: client.my_activity),
)

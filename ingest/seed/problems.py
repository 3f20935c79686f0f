"""What people of the made-up company report, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """`messages`: how it is put; whoever reports it again often says the same. Without `answer` it
    is closed as something that will not be changed, or stays open."""

    messages: tuple[str, ...]
    category: str | None
    tags: tuple[str, ...]
    answer: str | None = None
    fixed_in: str | None = None


# The first ones are reported most.
PROBLEMS = (
    Problem(
        ("The sync tool hangs", "agnes sync never comes back"),
        "bug",
        ("sync",),
        "A source that does not answer is given up after ten seconds now.",
        "0.3.0",
    ),
    Problem(
        ("Export stops half way 😕", "The CSV export ends in the middle of a row"),
        "bug",
        ("export", "data"),
        "Large exports are sent in pieces; an interrupted one says so.",
        "0.2.4",
    ),
    Problem(
        ("The query times out although the table is small",),
        "bug",
        ("query", "speed"),
        "The filter on the day was not pushed down. Please try again.",
        "0.2.6",
    ),
    Problem(
        ("Claude edits a file that it has not read", "It edits files without reading them first"),
        "agent",
        ("agent",),
    ),
    Problem(
        ("Numbers differ from last week", "Revenue of last week is not what it was on Friday"),
        "data",
        ("data", "revenue"),
        "Refunds were booked late. The figures of closed weeks are frozen from now on.",
    ),
    Problem(
        ("Where do I find returns?",),
        "question",
        ("docs",),
        "In the table `returns`; ask for access to it in the group Sales.",
    ),
    Problem(
        ("Überall Fehler: die Spalte qty gibt es nicht mehr",),
        "data",
        ("data", "schema"),
        "The column is called `quantity` since the last import; the skill knows it now.",
        "0.3.0",
    ),
    Problem(
        ("I have no access to invoices although I am in Finance",),
        "access",
        ("access",),
        "The grant was missing on the group; it is there now.",
    ),
    Problem(("Please let me schedule a query",), "idea", ("idea", "query")),
    Problem(
        ("The weekly report skill asks for the region each time",),
        "agent",
        ("skill", "agent"),
        "It remembers the last answer within a project.",
        "0.3.1",
    ),
    Problem(("Dark mode in exported charts, please",), "idea", ("idea", "export")),
    Problem(
        ("Uploading my sessions fails on the train", "agnes push breaks off without a network"),
        "bug",
        ("push",),
        "What could not be sent waits and goes with the next push.",
        "0.2.5",
    ),
    Problem(
        ("The chart shows the wrong month",),
        "bug",
        ("charts",),
        "It was shown in the time of the server; it is yours now.",
        "0.2.6",
    ),
    Problem(("The agent runs the checks three times in a row",), "agent", ("agent", "speed")),
    Problem(("Can I see who else has looked at my session?",), "question", ("privacy",)),
    Problem(
        ("The search finds nothing when I type an umlaut",),
        "bug",
        ("search",),
        "Letters with and without marks are the same for the search now.",
        "0.3.0",
    ),
    Problem(("The catalog does not say what `segment` means",), "question", ("docs", "data")),
    Problem(("The terminal stays grey after I leave the pager",), None, ()),
    Problem(
        ("Sign-in link is already used when I open it from the mail",),
        "access",
        ("access",),
        "Your mail program opened it first. Links survive a preview now.",
        "0.2.7",
    ),
    Problem(("Please keep snapshots for longer than a day",), "idea", ("idea",)),
    Problem(("Subagents are not in the replay of my session",), "bug", ("replay",)),
    Problem(("It is slow on Monday mornings",), None, ("speed",)),
)
# Versions of agnes at the time, the older first.
VERSIONS = ("0.2.3", "0.2.5", "0.2.7", "0.3.0", "0.3.1")
CLAUDE_CODE = ("2.1.201", "2.1.237")
SYSTEMS = ("Linux 6.8", "Darwin 24.1.0", "Windows 11")
# The first line that says something of each of `words.FAILURES`, without what differs each time:
# by it two reports of one failure are known to be the same.
SIGNATURES = (
    "traceback (most recent call last):",
    'error: column "qty" does not exist',
    "exit code # command timed out after # #",
    "string to replace not found in file.",
    "file has not been read yet. read it first before writing to it.",
)

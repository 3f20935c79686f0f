"""The made-up company: its people's names, its groups, its tables, its questions, its mishaps."""

from __future__ import annotations

from dataclasses import dataclass

# As shown, and as it stands in an e-mail address.
FIRST_NAMES = (
    *(("Ada", "ada"), ("Amara", "amara"), ("Anna", "anna"), ("Arjun", "arjun"), ("Aylin", "aylin")),
    *(
        ("Ben", "ben"),
        ("Chiara", "chiara"),
        ("Daniel", "daniel"),
        ("Elif", "elif"),
        ("Emma", "emma"),
    ),
    *(
        ("Felix", "felix"),
        ("Hana", "hana"),
        ("Hugo", "hugo"),
        ("Ines", "ines"),
        ("Jürgen", "juergen"),
    ),
    *(
        ("Kofi", "kofi"),
        ("Leïla", "leila"),
        ("Liam", "liam"),
        ("Lucie", "lucie"),
        ("Marek", "marek"),
    ),
    *(("Mei", "mei"), ("Mateo", "mateo"), ("Nina", "nina"), ("Noah", "noah"), ("Olga", "olga")),
    *(("Priya", "priya"), ("Ravi", "ravi"), ("Sofie", "sofie"), ("Tomás", "tomas"), ("Zoë", "zoe")),
)
LAST_NAMES = (
    *(
        ("Abe", "abe"),
        ("Berg", "berg"),
        ("Castro", "castro"),
        ("Diallo", "diallo"),
        ("Evans", "evans"),
    ),
    *(
        ("Fischer", "fischer"),
        ("García", "garcia"),
        ("Horák", "horak"),
        ("Ito", "ito"),
        ("Jensen", "jensen"),
    ),
    *(("Kaya", "kaya"), ("Kowalska", "kowalska"), ("Larsson", "larsson"), ("Martin", "martin")),
    *(("Mehta", "mehta"), ("Novák", "novak"), ("Okafor", "okafor"), ("O’Brien", "obrien")),
    *(
        ("Petrov", "petrov"),
        ("Quist", "quist"),
        ("Rossi", "rossi"),
        ("Silva", "silva"),
        ("Tan", "tan"),
    ),
    *(
        ("Ueda", "ueda"),
        ("Vega", "vega"),
        ("Weber", "weber"),
        ("Çelik", "celik"),
        ("Zhang", "zhang"),
    ),
)


@dataclass(frozen=True)
class Group:
    name: str
    about: str
    grants: tuple[tuple[str, str | None], ...] = ()


GROUPS = (
    Group("Operations", "Keeps the instance running.", (("activity", None), ("sessions", None))),
    Group("Data team", "Owns the tables.", (("telemetry", None), ("table", "orders"))),
    Group("Support", "Reads what people report.", (("feedback", None), ("table", "tickets"))),
    Group("Finance", "", (("table", "invoices"), ("table", "ledger"), ("table", "payments"))),
    Group("Marketing", "", (("table", "campaigns"), ("table", "web_visits"))),
    Group("Sales", "", (("table", "leads"), ("table", "orders"), ("table", "customers"))),
    Group("Product", "", (("telemetry", None), ("table", "web_visits"))),
    Group("Everybody", "All who work here.", (("table", "calendar"), ("table", "regions"))),
)


@dataclass(frozen=True)
class Data:
    """A table of the company: where it comes from, a column to group by, one to add up, its day,
    its size.
    """

    id: str
    source: str
    label: str
    measure: str
    day: str
    rows: int


DATA = (
    Data("orders", "postgres", "region", "amount", "ordered_on", 1_850_000),
    Data("order_lines", "postgres", "sku", "quantity", "ordered_on", 7_400_000),
    Data("customers", "postgres", "segment", "lifetime_value", "created_on", 240_000),
    Data("invoices", "erp", "status", "total", "issued_on", 910_000),
    Data("payments", "erp", "method", "amount", "paid_on", 880_000),
    Data("ledger", "erp", "account", "balance", "booked_on", 3_100_000),
    Data("tickets", "helpdesk", "priority", "minutes_open", "opened_on", 150_000),
    Data("web_visits", "s3", "channel", "seconds", "visited_on", 26_000_000),
    Data("campaigns", "ads", "network", "cost", "started_on", 4_200),
    Data("leads", "crm", "owner", "score", "created_on", 96_000),
    Data("products", "postgres", "category", "price", "listed_on", 18_000),
    Data("stock_levels", "postgres", "warehouse", "units", "counted_on", 640_000),
    Data("shipments", "carrier", "carrier", "weight_kg", "sent_on", 720_000),
    Data("returns", "postgres", "reason", "refund", "returned_on", 61_000),
    Data("staff", "hr", "team", "hours", "joined_on", 1_300),
    Data("calendar", "files", "week", "workdays", "day", 11_000),
    Data("regions", "files", "country", "population", "valid_from", 260),
    Data("fx_rates", "bank", "currency", "rate", "day", 54_000),
)
# Asked for so seldom that a search for it looks through nearly everything: the benchmark's needle.
RARE = Data("heirloom_ledger", "erp", "vault", "worth", "noted_on", 42)
INTERNAL = ("agnes_audit", "agnes_sessions", "agnes_telemetry")

# {t} a table, {l} its label, {m} its measure, {d} its day, {t2} another table, {n} a number,
# {day} a date, {v} a value.
SQL = (
    "SELECT {l}, SUM({m}) AS total FROM {t} WHERE {d} >= DATE '{day}'"
    " GROUP BY 1 ORDER BY total DESC LIMIT {n}",
    "SELECT date_trunc('week', {d}) AS week, COUNT(*) AS n, AVG({m}) AS mean FROM {t}"
    " GROUP BY ALL ORDER BY week",
    "SELECT * FROM {t} WHERE {l} = '{v}' AND {m} > {n} ORDER BY {d} DESC LIMIT 200",
    "WITH recent AS (SELECT * FROM {t} WHERE {d} >= DATE '{day}')"
    " SELECT {l}, COUNT(DISTINCT {m}) FROM recent GROUP BY 1",
    "SELECT a.{l}, COUNT(*) FROM {t} a JOIN {t2} b USING (id) WHERE a.{d} >= DATE '{day}'"
    " GROUP BY 1 HAVING COUNT(*) > {n}",
    "SELECT COUNT(*) FROM {t}",
    "SELECT quantile_cont({m}, 0.5) AS median, max({m}) AS most FROM {t}"
    " WHERE {d} BETWEEN DATE '{day}' AND current_date",
    "SELECT {l}, {d}, {m}, SUM({m}) OVER (PARTITION BY {l} ORDER BY {d}) AS so_far FROM {t}"
    " WHERE {l} <> '{v}'",
)
OWN_SQL = (
    "SELECT action, COUNT(*) AS n FROM agnes_audit GROUP BY 1 ORDER BY n DESC",
    "SELECT tool_name, AVG(CAST(is_error AS INT)) AS errors FROM agnes_telemetry"
    " GROUP BY 1 ORDER BY 2 DESC LIMIT 20",
    "SELECT verdict, COUNT(*) FROM agnes_sessions WHERE started_at >= current_date - 7 GROUP BY 1",
    "SELECT date_trunc('day', occurred_at) AS day, COUNT(*) FROM agnes_telemetry"
    " GROUP BY 1 ORDER BY 1",
)
VALUES = (
    "EMEA",
    "open",
    "north",
    "web",
    "gold",
    "late",
    "card",
    "O''Hara & Sons",
    "München",
    "B2B",
)

JOBS = ("process_sessions", "rollups", "sync_tables", "prune", "weekly_report", "feedback_digest")
PROCESSORS = ("usage", "failure_scan")
# What a query that failed says, by its result.
REASONS = {
    "error.bad_request": "column {l} does not exist in {t}; did you mean {m}?",
    "error.timeout": "the query ran longer than 30 s and was stopped",
    "error.too_large": "the answer would be larger than 64 MiB; add a LIMIT",
    "error.unavailable": "the source {s} refused the connection: too many clients",
    "error.source_unavailable": "the source {s} does not answer: timed out after 10 s",
    "error.schema_changed": "{t} changed while it was read; nothing was kept",
}
REFUSALS = (
    "no grant on table {t}",
    "only SELECT is allowed",
    "the function read_csv is not allowed here",
)
BROWSED = ("timeline", "kpis", "facets", "histogram", "export", "health")
PROJECTS = ("sales-report", "churn-study", "stock-alerts", "web-funnel", "month-end", "data-checks")
PROMPTS = (
    "Show me revenue by region for last month, as a table.",
    "The export job fails since yesterday. Find out why and fix it.",
    "Write a test for the rounding of refunds.",
    "Compare this week's visits with the week before and explain the difference.",
    "Which customers have not ordered for 90 days?",
    "Rename the column `qty` to `quantity` everywhere.",
    "Make the weekly report readable for people who are not analysts.",
    "Go on, and run the checks when you are done.",
)
ANSWERS = (
    "Done. The numbers are in `out/summary.csv`; the largest change is in the north.",
    "I found the cause and fixed it; the checks pass now.",
    "Here is the table. Two regions grew, one shrank by 4 %.",
    "All places are renamed; nothing else changed.",
)
COMMANDS = (
    'agnes query "SELECT region, SUM(amount) FROM orders GROUP BY 1" --format csv',
    "python -m pytest -q tests",
    "ls -la out && wc -l out/*.csv",
    "git diff --stat",
    "python report.py --week 46",
)
FILES = ("report.py", "checks/rounding.py", "sql/revenue.sql", "out/summary.csv", "README.md")
REGIONS = ("north", "east", "south", "west")
FAILURES = (
    "Exit code 1\nTraceback (most recent call last):\n"
    "  File \"report.py\", line {n}, in <module>\nKeyError: 'region'",
    'Exit code 2\nerror: column "qty" does not exist',
    "Exit code 143 Command timed out after 2m 0s",
    "<tool_use_error>String to replace not found in file.</tool_use_error>",
    "<tool_use_error>File has not been read yet."
    " Read it first before writing to it.</tool_use_error>",
)

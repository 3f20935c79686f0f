"""Every table, declared once: its columns, its key, who owns a row, what it means.

Times are naive UTC. JSON is text. `username` is for display only; `user_id` is the identity.
`migrations/` holds the history that leads here; a test compares both.
"""

from __future__ import annotations

from schema.table import Table

AUDIT_LOG = Table(
    "audit_log",
    """
    id! timestamp!:time user_id action! resource params params_before result
    duration_ms:count client_ip client_kind correlation_id search
    """,
    key=("id",),
    meaning="One row for each thing that happened. Written once, never edited.",
    owner="user_id",
    surface="activity",
)

SYNC_HISTORY = Table(
    "sync_history",
    """
    id! table_id! synced_at!:time rows:count duration_ms:count status error drift
    """,
    key=("id",),
    meaning="One row for each attempt to sync a table, good or bad.",
    surface="activity",
)

SESSION_PROCESSOR_STATE = Table(
    "session_processor_state",
    """
    processor_name! session_file! user_id username processor_version:count file_hash
    processed_at:time items_extracted:count attempts:count error
    """,
    key=("processor_name", "session_file"),
    meaning="What each processor has done with each session file.",
    owner="user_id",
    surface="sessions",
)

USAGE_EVENTS = Table(
    "usage_events",
    """
    id! session_id session_file! user_id username event_uuid parent_uuid event_type
    tool_name skill_name subagent_type command_name outcome is_error:flag source ref_id
    model cwd agent_id occurred_at:time processor_version:count extracted_at:time
    """,
    key=("id",),
    meaning="One tool call, MCP call, subagent dispatch or slash command found in a transcript.",
    owner="user_id",
    surface="telemetry",
)

USAGE_SESSION_SUMMARY = Table(
    "usage_session_summary",
    """
    session_file! session_id user_id username started_at:time ended_at:time
    uploaded_at:time active_seconds:seconds wall_seconds:seconds user_messages:count
    assistant_messages:count tool_calls:count tool_errors:count skill_invocations:count
    subagent_dispatches:count mcp_calls:count slash_commands:count distinct_tools:count
    distinct_skills:count primary_model input_tokens:count output_tokens:count
    cache_read_tokens:count cache_creation_tokens:count findings:count verdict
    processor_version:count extracted_at:time
    """,
    key=("session_file",),
    meaning="One row for each processed session.",
    owner="user_id",
    surface="sessions",
)

USAGE_TOOL_DAILY = Table(
    "usage_tool_daily",
    """
    day!:date tool_name! source invocations:count error_count:count distinct_users:count
    distinct_sessions:count
    """,
    key=("day", "tool_name", "source"),
    meaning="Tool calls per day.",
    surface="telemetry",
)

USAGE_MARKETPLACE_ITEM_DAILY = Table(
    "usage_marketplace_item_daily",
    """
    day!:date source! type! parent_plugin name! invocations:count distinct_users:count
    error_count:count
    """,
    key=("day", "source", "type", "parent_plugin", "name"),
    meaning="Use of skills, agents and commands per day.",
    surface="telemetry",
)

USAGE_MARKETPLACE_ITEM_WINDOW = Table(
    "usage_marketplace_item_window",
    """
    period_label! source! type! parent_plugin name! invocations:count
    distinct_users:count error_count:count
    """,
    key=("period_label", "source", "type", "parent_plugin", "name"),
    meaning="Use of skills, agents and commands over a window, with true distinct users.",
    surface="telemetry",
)

SESSION_FINDINGS = Table(
    "session_findings",
    """
    id! session_file! user_id username finding_type! subtype turn_index:count
    line_no:count line_to:count count:count event_uuid agent_id severity excerpt
    detected_at:time processor_version:count
    """,
    key=("id",),
    meaning="One failure signal found in a transcript.",
    owner="user_id",
    surface="sessions",
)

FEEDBACK_REPORTS = Table(
    "feedback_reports",
    """
    id! created_at!:time reporter_user message category session_excerpt
    excerpt_turns:count session_file environment fingerprint idempotency_key merged_into
    version:count status assignee tags resolution resolved_at:time resolved_by
    updated_at:time error anchor_uuid fixed_in reopened:count kept_apart:flag
    """,
    key=("id",),
    meaning="One report sent by a user.",
    owner="reporter_user",
    surface="feedback",
)

FEEDBACK_HISTORY = Table(
    "feedback_history",
    """
    id! report_id! at!:time actor change
    """,
    key=("id",),
    meaning="What was done with a report, by whom.",
    surface="feedback",
)

NOTIFICATIONS = Table(
    "notifications",
    """
    id! created_at!:time user_id channel subject state sent_at:time
    kind about link attempts:count next_at:time error read_at:time
    """,
    key=("id",),
    meaning="Messages to be sent, and sent.",
    owner="user_id",
)

TELEGRAM_LINKS = Table(
    "telegram_links",
    """
    user_id! chat_id! linked_at!:time
    """,
    key=("user_id",),
    meaning="Which chat reaches which admin.",
    owner="user_id",
)

TELEGRAM_CODES = Table(
    "telegram_codes",
    """
    id! user_id! code_hash! created_at!:time expires_at!:time used_at:time
    """,
    key=("id",),
    meaning="One-time codes that link a chat: sent to the bot by the person they were made for.",
    owner="user_id",
)

USER_OBSERVABILITY_VIEWS = Table(
    "user_observability_views",
    """
    id! user_id! page name! query! created_at!:time is_default:flag looked_at:time
    """,
    key=("id",),
    meaning="Saved views of the pages.",
    owner="user_id",
)

USERS = Table(
    "users",
    """
    id! email! name is_admin!:flag password_hash is_active!:flag created_at!:time
    deactivated_at:time oidc_subject
    """,
    key=("id",),
    meaning="People and services that may sign in. Never deleted: the audit log keeps its names.",
    owner="id",
)

USER_GROUPS = Table(
    "user_groups",
    """
    id! name! description created_at!:time claim
    """,
    key=("id",),
    meaning="Groups of users; one with a claim follows the OpenID provider's group of that name.",
)

USER_GROUP_MEMBERS = Table(
    "user_group_members",
    """
    group_id! user_id! added_at!:time
    """,
    key=("group_id", "user_id"),
    meaning="Who is in which group.",
    owner="user_id",
)

RESOURCE_GRANTS = Table(
    "resource_grants",
    """
    id! group_id! resource_type! resource_id created_at!:time created_by
    """,
    key=("id",),
    meaning="What a group may open.",
)

PERSONAL_ACCESS_TOKENS = Table(
    "personal_access_tokens",
    """
    id! user_id! name! kind! token_hash! created_at!:time expires_at:time
    last_used_at:time revoked_at:time
    """,
    key=("id",),
    meaning="Bearer tokens; only their SHA-256 is kept.",
    owner="user_id",
)

WEB_SESSIONS = Table(
    "web_sessions",
    """
    id! user_id! secret_hash! created_at!:time expires_at!:time client_ip
    """,
    key=("id",),
    meaning="Signed-in browsers; only a hash of the cookie's secret is kept.",
    owner="user_id",
)

SIGN_IN_LINKS = Table(
    "sign_in_links",
    """
    id! user_id! secret_hash! created_at!:time expires_at!:time used_at:time
    """,
    key=("id",),
    meaning="One-time sign-in links.",
    owner="user_id",
)

SESSION_FILES = Table(
    "session_files",
    """
    session_file! user_id! parent bytes:count sha256 uploaded_at!:time indexed:flag
    first_uploaded_at:time
    """,
    key=("session_file",),
    meaning="Each uploaded transcript.",
    owner="user_id",
    surface="sessions",
)

SESSION_ROOTS = Table(
    "session_roots",
    """
    session_file! user_id! root!
    """,
    key=("session_file", "root"),
    meaning="The first record of each thread of a transcript. A copy of history has the same.",
    owner="user_id",
)

SESSION_VERDICTS = Table(
    "session_verdicts",
    """
    session_file! user_id! verdict! checks open_until:time decided_at!:time
    processor_version:count
    """,
    key=("session_file",),
    meaning="How each session went, with the checks that say so.",
    owner="user_id",
    surface="sessions",
)

ROLLUP_DAYS = Table(
    "rollup_days",
    """
    day!:date
    """,
    key=("day",),
    meaning="Days whose daily figures are to be made anew.",
)

MARKETPLACE_ITEMS = Table(
    "marketplace_items",
    """
    id! source! marketplace plugin type! name! description imported_at:time
    """,
    key=("id",),
    meaning="Plugins, skills, agents and commands that can be had.",
)

TRANSCRIPT_SEARCH = Table(
    "transcript_search",
    """
    session_file! user_id! file_hash indexed_at:time
    """,
    key=("session_file",),
    meaning="Which transcripts stand in the text index, and which version of them.",
    owner="user_id",
)

TABLE_REGISTRY = Table(
    "table_registry",
    """
    id! name! source_type query_mode bucket location sync_mode schedule description
    created_at!:time updated_at:time columns connection statement cursor_column format options
    """,
    key=("id",),
    meaning="Tables that can be queried or synced.",
)

TABLE_VERSIONS = Table(
    "table_versions",
    """
    id! table_id! synced_at!:time path! rows!:count bytes!:count sha256! columns! profile source!
    state
    """,
    key=("id",),
    meaning="What syncs published: a Parquet file each, the newest is read.",
)

INSTANCE_CONFIG = Table(
    "instance_config",
    """
    key! value updated_at:time updated_by
    """,
    key=("key",),
    meaning="Settings of the instance that are changed while it runs.",
)

INSTANCE_TEMPLATES = Table(
    "instance_templates",
    """
    name! body updated_at:time updated_by
    """,
    key=("name",),
    meaning="The prompts handed to agents.",
)

JOB_RUNS = Table(
    "job_runs",
    """
    id! job_name! trigger requested_by parameters status queued_at!:time started_at:time
    finished_at:time attempt:count error output_path correlation_id
    """,
    key=("id",),
    meaning="Each run of a scheduled notebook.",
)

SCRIPTS = Table(
    "scripts",
    """
    id! name! owner! path! schedule timeout_seconds!:count memory_mb!:count enabled!:flag
    description created_at!:time updated_at:time
    """,
    key=("id",),
    meaning="Notebooks and Python files that run as somebody when they are due.",
)

SCHEMA_MIGRATIONS = Table(
    "schema_migrations",
    """
    version!:count name! applied_at!:time duration_ms:count
    """,
    key=("version",),
    meaning="Which migrations this file has seen.",
)

TABLES: dict[str, Table] = {
    table.name: table for table in list(globals().values()) if isinstance(table, Table)
}

-- The tables of the first release.

CREATE TABLE audit_log (
    "id" VARCHAR NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "user_id" VARCHAR,
    "action" VARCHAR NOT NULL,
    "resource" VARCHAR,
    "params" VARCHAR,
    "params_before" VARCHAR,
    "result" VARCHAR,
    "duration_ms" BIGINT,
    "client_ip" VARCHAR,
    "client_kind" VARCHAR,
    "correlation_id" VARCHAR,
    "search" VARCHAR
);

CREATE TABLE sync_history (
    "id" VARCHAR NOT NULL,
    "table_id" VARCHAR NOT NULL,
    "synced_at" TIMESTAMP NOT NULL,
    "rows" BIGINT,
    "duration_ms" BIGINT,
    "status" VARCHAR,
    "error" VARCHAR
);

CREATE TABLE session_processor_state (
    "processor_name" VARCHAR NOT NULL,
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR,
    "username" VARCHAR,
    "processor_version" BIGINT,
    "file_hash" VARCHAR,
    "processed_at" TIMESTAMP,
    "items_extracted" BIGINT,
    "attempts" BIGINT,
    "error" VARCHAR
);

CREATE TABLE usage_events (
    "id" VARCHAR NOT NULL,
    "session_id" VARCHAR,
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR,
    "username" VARCHAR,
    "event_uuid" VARCHAR,
    "parent_uuid" VARCHAR,
    "event_type" VARCHAR,
    "tool_name" VARCHAR,
    "skill_name" VARCHAR,
    "subagent_type" VARCHAR,
    "command_name" VARCHAR,
    "outcome" VARCHAR,
    "is_error" BOOLEAN,
    "source" VARCHAR,
    "ref_id" VARCHAR,
    "model" VARCHAR,
    "cwd" VARCHAR,
    "agent_id" VARCHAR,
    "occurred_at" TIMESTAMP,
    "processor_version" BIGINT,
    "extracted_at" TIMESTAMP
);

CREATE TABLE usage_session_summary (
    "session_file" VARCHAR NOT NULL,
    "session_id" VARCHAR,
    "user_id" VARCHAR,
    "username" VARCHAR,
    "started_at" TIMESTAMP,
    "ended_at" TIMESTAMP,
    "uploaded_at" TIMESTAMP,
    "active_seconds" DOUBLE,
    "wall_seconds" DOUBLE,
    "user_messages" BIGINT,
    "assistant_messages" BIGINT,
    "tool_calls" BIGINT,
    "tool_errors" BIGINT,
    "skill_invocations" BIGINT,
    "subagent_dispatches" BIGINT,
    "mcp_calls" BIGINT,
    "slash_commands" BIGINT,
    "distinct_tools" BIGINT,
    "distinct_skills" BIGINT,
    "primary_model" VARCHAR,
    "input_tokens" BIGINT,
    "output_tokens" BIGINT,
    "cache_read_tokens" BIGINT,
    "cache_creation_tokens" BIGINT,
    "findings" BIGINT,
    "verdict" VARCHAR,
    "processor_version" BIGINT,
    "extracted_at" TIMESTAMP
);

CREATE TABLE usage_tool_daily (
    "day" DATE NOT NULL,
    "tool_name" VARCHAR NOT NULL,
    "source" VARCHAR,
    "invocations" BIGINT,
    "error_count" BIGINT,
    "distinct_users" BIGINT,
    "distinct_sessions" BIGINT
);

CREATE TABLE usage_marketplace_item_daily (
    "day" DATE NOT NULL,
    "source" VARCHAR NOT NULL,
    "type" VARCHAR NOT NULL,
    "parent_plugin" VARCHAR,
    "name" VARCHAR NOT NULL,
    "invocations" BIGINT,
    "distinct_users" BIGINT,
    "error_count" BIGINT
);

CREATE TABLE usage_marketplace_item_window (
    "period_label" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL,
    "type" VARCHAR NOT NULL,
    "parent_plugin" VARCHAR,
    "name" VARCHAR NOT NULL,
    "invocations" BIGINT,
    "distinct_users" BIGINT,
    "error_count" BIGINT
);

CREATE TABLE session_findings (
    "id" VARCHAR NOT NULL,
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR,
    "username" VARCHAR,
    "finding_type" VARCHAR NOT NULL,
    "subtype" VARCHAR,
    "turn_index" BIGINT,
    "line_no" BIGINT,
    "line_to" BIGINT,
    "count" BIGINT,
    "event_uuid" VARCHAR,
    "agent_id" VARCHAR,
    "severity" VARCHAR,
    "excerpt" VARCHAR,
    "detected_at" TIMESTAMP,
    "processor_version" BIGINT
);

CREATE TABLE feedback_reports (
    "id" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "reporter_user" VARCHAR,
    "message" VARCHAR,
    "category" VARCHAR,
    "session_excerpt" VARCHAR,
    "excerpt_turns" BIGINT,
    "session_file" VARCHAR,
    "environment" VARCHAR,
    "fingerprint" VARCHAR,
    "idempotency_key" VARCHAR,
    "merged_into" VARCHAR,
    "version" BIGINT,
    "status" VARCHAR,
    "assignee" VARCHAR,
    "tags" VARCHAR,
    "resolution" VARCHAR,
    "resolved_at" TIMESTAMP,
    "resolved_by" VARCHAR
);

CREATE TABLE feedback_history (
    "id" VARCHAR NOT NULL,
    "report_id" VARCHAR NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "actor" VARCHAR,
    "change" VARCHAR
);

CREATE TABLE notifications (
    "id" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "user_id" VARCHAR,
    "channel" VARCHAR,
    "subject" VARCHAR,
    "state" VARCHAR,
    "sent_at" TIMESTAMP
);

CREATE TABLE telegram_links (
    "user_id" VARCHAR NOT NULL,
    "chat_id" VARCHAR NOT NULL,
    "linked_at" TIMESTAMP NOT NULL
);

CREATE TABLE user_observability_views (
    "id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "page" VARCHAR,
    "name" VARCHAR NOT NULL,
    "query" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);

CREATE TABLE users (
    "id" VARCHAR NOT NULL,
    "email" VARCHAR NOT NULL,
    "name" VARCHAR,
    "is_admin" BOOLEAN NOT NULL,
    "password_hash" VARCHAR,
    "is_active" BOOLEAN NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "deactivated_at" TIMESTAMP
);

CREATE TABLE user_groups (
    "id" VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    "description" VARCHAR,
    "created_at" TIMESTAMP NOT NULL
);

CREATE TABLE user_group_members (
    "group_id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "added_at" TIMESTAMP NOT NULL
);

CREATE TABLE resource_grants (
    "id" VARCHAR NOT NULL,
    "group_id" VARCHAR NOT NULL,
    "resource_type" VARCHAR NOT NULL,
    "resource_id" VARCHAR,
    "created_at" TIMESTAMP NOT NULL,
    "created_by" VARCHAR
);

CREATE TABLE personal_access_tokens (
    "id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    "kind" VARCHAR NOT NULL,
    "token_hash" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP,
    "last_used_at" TIMESTAMP,
    "revoked_at" TIMESTAMP
);

CREATE TABLE web_sessions (
    "id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "secret_hash" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "client_ip" VARCHAR
);

CREATE TABLE sign_in_links (
    "id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "secret_hash" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "used_at" TIMESTAMP
);

CREATE TABLE session_files (
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "parent" VARCHAR,
    "bytes" BIGINT,
    "sha256" VARCHAR,
    "uploaded_at" TIMESTAMP NOT NULL,
    "indexed" BOOLEAN
);

CREATE TABLE marketplace_items (
    "id" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL,
    "marketplace" VARCHAR,
    "plugin" VARCHAR,
    "type" VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    "description" VARCHAR,
    "imported_at" TIMESTAMP
);

CREATE TABLE transcript_search (
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "file_hash" VARCHAR,
    "indexed_at" TIMESTAMP
);

CREATE TABLE table_registry (
    "id" VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    "source_type" VARCHAR,
    "query_mode" VARCHAR,
    "bucket" VARCHAR,
    "location" VARCHAR,
    "sync_mode" VARCHAR,
    "schedule" VARCHAR,
    "description" VARCHAR,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP
);

CREATE TABLE instance_config (
    "key" VARCHAR NOT NULL,
    "value" VARCHAR,
    "updated_at" TIMESTAMP,
    "updated_by" VARCHAR
);

CREATE TABLE instance_templates (
    "name" VARCHAR NOT NULL,
    "body" VARCHAR,
    "updated_at" TIMESTAMP,
    "updated_by" VARCHAR
);

CREATE TABLE job_runs (
    "id" VARCHAR NOT NULL,
    "job_name" VARCHAR NOT NULL,
    "trigger" VARCHAR,
    "requested_by" VARCHAR,
    "parameters" VARCHAR,
    "status" VARCHAR,
    "queued_at" TIMESTAMP NOT NULL,
    "started_at" TIMESTAMP,
    "finished_at" TIMESTAMP,
    "attempt" BIGINT,
    "error" VARCHAR,
    "output_path" VARCHAR,
    "correlation_id" VARCHAR
);

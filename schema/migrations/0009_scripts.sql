-- Notebooks and Python files that run as somebody when they are due.

CREATE TABLE scripts (
    "id" VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    "owner" VARCHAR NOT NULL,
    "path" VARCHAR NOT NULL,
    "schedule" VARCHAR,
    "timeout_seconds" BIGINT NOT NULL,
    "memory_mb" BIGINT NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "description" VARCHAR,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP
);

-- Tables that are read anew from their sources: where from and how, what each attempt found, what was published.

ALTER TABLE table_registry ADD COLUMN "connection" VARCHAR;
ALTER TABLE table_registry ADD COLUMN "statement" VARCHAR;
ALTER TABLE table_registry ADD COLUMN "cursor_column" VARCHAR;
ALTER TABLE table_registry ADD COLUMN "format" VARCHAR;
ALTER TABLE table_registry ADD COLUMN "options" VARCHAR;

ALTER TABLE sync_history ADD COLUMN "drift" VARCHAR;

CREATE TABLE table_versions (
    "id" VARCHAR NOT NULL,
    "table_id" VARCHAR NOT NULL,
    "synced_at" TIMESTAMP NOT NULL,
    "path" VARCHAR NOT NULL,
    "rows" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "sha256" VARCHAR NOT NULL,
    "columns" VARCHAR NOT NULL,
    "profile" VARCHAR,
    "source" VARCHAR NOT NULL,
    "state" VARCHAR
);

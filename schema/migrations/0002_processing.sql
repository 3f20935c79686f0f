-- What turns transcripts into rows: where copied history comes from, verdicts, days to roll up.

ALTER TABLE session_files ADD COLUMN "first_uploaded_at" TIMESTAMP;
UPDATE session_files SET "first_uploaded_at" = "uploaded_at";

CREATE TABLE session_roots (
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "root" VARCHAR NOT NULL
);

CREATE TABLE session_verdicts (
    "session_file" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "verdict" VARCHAR NOT NULL,
    "checks" VARCHAR,
    "open_until" TIMESTAMP,
    "decided_at" TIMESTAMP NOT NULL,
    "processor_version" BIGINT
);

CREATE TABLE rollup_days (
    "day" DATE NOT NULL
);

-- What the inbox knows of a report, what a message is about and how its sending went, codes that link a chat.

ALTER TABLE feedback_reports ADD COLUMN "updated_at" TIMESTAMP;
ALTER TABLE feedback_reports ADD COLUMN "error" VARCHAR;
ALTER TABLE feedback_reports ADD COLUMN "anchor_uuid" VARCHAR;
ALTER TABLE feedback_reports ADD COLUMN "fixed_in" VARCHAR;
ALTER TABLE feedback_reports ADD COLUMN "reopened" BIGINT;
ALTER TABLE feedback_reports ADD COLUMN "kept_apart" BOOLEAN;

ALTER TABLE notifications ADD COLUMN "kind" VARCHAR;
ALTER TABLE notifications ADD COLUMN "about" VARCHAR;
ALTER TABLE notifications ADD COLUMN "link" VARCHAR;
ALTER TABLE notifications ADD COLUMN "attempts" BIGINT;
ALTER TABLE notifications ADD COLUMN "next_at" TIMESTAMP;
ALTER TABLE notifications ADD COLUMN "error" VARCHAR;
ALTER TABLE notifications ADD COLUMN "read_at" TIMESTAMP;

CREATE TABLE telegram_codes (
    "id" VARCHAR NOT NULL,
    "user_id" VARCHAR NOT NULL,
    "code_hash" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "used_at" TIMESTAMP
);

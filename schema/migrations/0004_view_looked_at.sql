-- When the owner of a saved view last opened it by its name: what came since then is new to them.

ALTER TABLE user_observability_views ADD COLUMN "looked_at" TIMESTAMP;

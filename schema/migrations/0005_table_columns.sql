-- The columns of a registered table: a JSON list of name, type and meaning.

ALTER TABLE table_registry ADD COLUMN "columns" VARCHAR;

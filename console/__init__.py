"""How people see it. Imports `ingest` and `schema`; only `console.app` knows every room."""

"""How data comes in. Imports `schema` only."""

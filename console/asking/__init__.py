"""Questions in SQL and in one's own words: whose turn it is, what was asked, why these rows."""

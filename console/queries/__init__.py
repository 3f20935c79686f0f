"""Questions: each takes tables and gives a table. No pandas, no Panel, no SQL strings."""

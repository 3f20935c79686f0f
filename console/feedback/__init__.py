"""Reports: what people tell the admins, in groups of the same thing, and what becomes of them."""

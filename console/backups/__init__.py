"""Backups: one file with everything that cannot be made anew, taken while the console runs.

`archive` is the file's form, `taking` fills one, `restoring` makes a data folder of it, `shelf`
knows which there are. A backup holds secrets (the cookie key, hashes of tokens and passwords): it
is for its owner only, and so is whoever may make or fetch one.
"""

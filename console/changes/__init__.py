"""Changes as the log keeps them: what differs, what can be brought back, and bringing it back.

A rollback is a new change with a row of its own; nothing here edits the log, and nothing here
decides who may.
"""

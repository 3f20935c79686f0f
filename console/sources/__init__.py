"""Reading from databases that are not ours: PostgreSQL, by the connections that the operator named.

It only reads: each reading is one transaction that may change nothing, with a limit of time. What
comes is data in pieces of bounded size; what goes wrong names the connection, never its password.
"""

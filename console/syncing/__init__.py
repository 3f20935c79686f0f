"""Tables that are read anew from their sources: files, addresses, other databases.

A sync reads in a process of its own (`child`), and what it wrote is published at once as a whole or
not at all (`syncs`). Questions read what was published last (`published`), never the source.
"""

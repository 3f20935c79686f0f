"""Scheduled work: notebooks that run in kernels of their own.

`schedule` is what runs when, `asks` whether there is work, `scheduler` ticks, `dispatcher` decides
and records, `runner` starts the processes, `child` runs inside them, `kept` is what remains of a
run, `board` is how people see it all. Nothing of notebooks or plotting is loaded by the server.
"""

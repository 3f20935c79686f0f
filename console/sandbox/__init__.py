"""Other people's SQL, on their own rows only. Three walls, each of which holds alone against
reading what is not theirs:

1. `validate`: what DuckDB's own parser has understood is walked against lists of what may stand
   there.
2. `box`: a database in memory that holds nothing but the caller's rows, with everything else shut
   and its configuration locked.
3. `pool`: each query in a child process without an environment, with limits on memory and time,
   killed when it overruns and never used for two people.
"""

"""The process of a script that is a Python file: tied to the one that started it, with no more
memory than it was given, and then that file and nothing of ours.

`python -m console.jobs.limited FILE MEGABYTES`; no megabytes for no limit.
"""

from __future__ import annotations

import os
import sys

from console.jobs.tether import limit, tie

if __name__ == "__main__":
    file, megabytes = sys.argv[1], sys.argv[2]
    tie(os.getppid())
    limit(megabytes)
    os.execv(sys.executable, [sys.executable, "-u", file])

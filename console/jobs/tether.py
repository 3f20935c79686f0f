"""The kernel of a job: a process that ends when the one that started it ends.

Run as a module it is that kernel. Where the system does not end it, ipykernel looks after its
parent by itself.
"""

from __future__ import annotations

import os
import resource

from console.tied import tie

__all__ = ["tie"]

MEMORY = "JOB_MEMORY_MB"


def limit(megabytes: str | None) -> None:
    """Let this process and those it starts have no more memory than this, each."""
    if megabytes:
        most = int(megabytes) << 20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    tie(int(os.environ["JPY_PARENT_PID"]))
    limit(os.environ.get(MEMORY))
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()

"""The kernel of a job: a process that ends when the one that started it ends.

Run as a module it is that kernel. Where the system does not end it, ipykernel looks after its
parent by itself.
"""

from __future__ import annotations

import os

from console.tied import tie

__all__ = ["tie"]

if __name__ == "__main__":
    tie(int(os.environ["JPY_PARENT_PID"]))
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()

"""Children on demand: a process that has loaded what a child needs, holds nobody's data, and forks
one for each question in milliseconds. It runs beside the server, without its environment.

On its socket come, each as one message: `+` with two descriptors (the question's end and the
answer's end), answered with the child's process id; and `-<id>`, which ends that child for good.
A child's id stays taken until then, so nobody else's process can be hit by mistake.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable

from console.sandbox import child

_USER, _NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of sched.h
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of sys/prctl.h
_NICE = 10


def main(control: socket.socket) -> None:
    """Serve until the server is gone."""
    _leave_the_network()
    child.warm()
    _stand_back()
    alive: set[int] = set()
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 64, 2)
        if message == b"+":
            pid = _born(control, descriptors)
            alive.add(pid)
            control.send(b"%d" % pid)
        elif message.startswith(b"-"):
            if (pid := int(message[1:])) in alive:
                _end(pid)
                alive.discard(pid)
        else:
            break
    for pid in alive:
        _end(pid)


def _born(control: socket.socket, descriptors: list[int]) -> int:
    nursery = os.getpid()
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    code = 1
    try:
        control.close()
        _libc(lambda libc: libc.prctl(_DEATH_SIGNAL, signal.SIGKILL))
        if os.getppid() != nursery:
            os._exit(code)  # it ended before it was asked to take its children along
        asked, answers = os.fdopen(descriptors[0], "rb"), os.fdopen(descriptors[1], "wb")
        child.main(asked, answers)
        code = 0
    finally:
        os._exit(code)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _stand_back() -> None:
    """Whoever asks the server for anything else goes first; where memory is short, these go."""
    os.nice(_NICE)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def _leave_the_network() -> None:
    """One wall more where the system lets us: no address can be reached at all. Where it does not,
    the box refuses to ask for one."""
    _libc(lambda libc: libc.unshare(_USER | _NETWORK))


def _libc(call: Callable[[ctypes.CDLL], int]) -> None:
    """What Python has no name for; not every system has it."""
    with contextlib.suppress(OSError, AttributeError):
        call(ctypes.CDLL(None))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))

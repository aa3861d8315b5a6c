"""One socket pair between a process group and each of its children.

The child says "ready" through it; and when the parent dies, however suddenly, the child
reads the end of it and stops. Why not a signal on the parent's death: only Linux has it,
and it follows the thread, not the process.
"""

import asyncio
import os
import signal
import socket
import threading
from typing import Final

VARIABLE: Final = "CLEARHOUSE_LIFELINE"
_GRACE_SECONDS: Final = 10.0
_READY: Final = b"r"


class Lifeline:
    """The child's end; without a parent that gave one, all its verbs do nothing."""

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end
        if end is not None:
            threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    @classmethod
    def inherited(cls) -> "Lifeline":
        """The lifeline that the environment names, taken once and not passed on."""
        number = os.environ.pop(VARIABLE, "")
        return cls(socket.socket(fileno=int(number)) if number.isdigit() else None)

    def ready(self) -> None:
        """Tell the parent that this process does its work now."""
        if self._end is not None:
            self._end.sendall(_READY)

    def _watch(self) -> None:
        assert self._end is not None
        try:
            while self._end.recv(64):
                pass
        except OSError:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_GRACE_SECONDS)
        os._exit(1)


class ParentEnd:
    """The parent's end of one child's lifeline."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    @property
    def theirs(self) -> int:
        """The descriptor to hand to the child, under ``VARIABLE`` in its environment."""
        return self._theirs.fileno()

    def started(self) -> None:
        """The child has its end now; ours is the only other one, so that its death is seen."""
        self._theirs.close()

    async def until_ready(self) -> bool:
        """Wait for the child's word; False when it died without having said it."""
        return await asyncio.get_running_loop().sock_recv(self._ours, 1) == _READY

    def close(self) -> None:
        """Let go; a child that still lives stops."""
        self._theirs.close()
        self._ours.close()

"""``jari serve`` with workers that are broken in one way: a negative control, and a failure that is hard to have."""

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from jari.cli import app
from jari.web.workers import Place, Supervisor

fork = Supervisor._fork
let_go = Supervisor._let_go


def fork_and_forget(self: Supervisor, place: Place, listening: socket.socket) -> None:
    """The parent keeps no hand on the sockets: what waits in one ends with its worker."""
    fork(self, place, listening)
    listening.close()
    place.listening = None


def let_go_or_fail(self: Supervisor, own: Place) -> None:
    """Once it was killed, the second worker never comes up again."""
    if own.number == 2 and own.starts > 1:
        os._exit(3)
    let_go(self, own)


WAYS: dict[str, tuple[str, Callable[..., Any]]] = {
    "forgetful": ("_fork", fork_and_forget),
    "failing": ("_let_go", let_go_or_fail),
}

if __name__ == "__main__":
    setattr(Supervisor, *WAYS[sys.argv.pop(1)])
    app(["serve"])

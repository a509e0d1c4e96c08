"""``jari serve`` with workers broken in one way: a negative control, and a failure that rarely occurs by itself."""

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
    """Let the parent close its copy of the socket: connections that wait in it end with their worker."""
    fork(self, place, listening)
    listening.close()
    place.listening = None


def let_go_or_fail(self: Supervisor, own: Place) -> None:
    """Let the second worker, once killed, never begin again."""
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

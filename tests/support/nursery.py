"""A process that imports jari once, and forks children that need not.

To import jari costs most of a second of processor time, and the tests start hundreds of servers. A child is a process
like any other: it has an id, an environment, files and an end of its own, and runs what ``python PROGRAM …`` would.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

MESSAGE_BYTES = 100_000
# The last three are imported by others when they are first needed, which is at every start.
PRELOADED = ("jari.cli", "jari.sandbox.app", "aiosqlite", "httpcore", "pydantic.type_adapter")


class Process(Protocol):
    """What tests use of `subprocess.Popen`."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


class Child:
    """A process of the nursery."""

    def __init__(self, nursery: "Nursery", process_id: int, handle: int) -> None:
        self.pid = process_id
        self.returncode: int | None = None
        self._nursery = nursery
        self._handle = handle

    def poll(self) -> int | None:
        return self._returncode(0)

    def wait(self, timeout: float | None = None) -> int:
        returncode = self._returncode(None if timeout is None else timeout * 1000)
        if returncode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def _returncode(self, milliseconds: float | None) -> int | None:
        if self.returncode is None:
            ended = select.poll()
            ended.register(self._handle, select.POLLIN)
            if ended.poll(milliseconds):
                self.returncode = self._nursery.reap(self.pid)
                os.close(self._handle)
        return self.returncode


class Nursery:
    """Where children are asked for."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._channel, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far_end:
            command = [sys.executable, __file__, str(far_end.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[far_end.fileno()], stdin=subprocess.DEVNULL)

    def bear(
        self, program: Sequence[str], environment: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
    ) -> Child:
        request = json.dumps(
            {"program": program, "environment": dict(environment), "directory": str(Path.cwd())}
        )
        with self._asking:
            socket.send_fds(self._channel, [request.encode()], [stdout.fileno(), stderr.fileno()])
            answer, handles, _, _ = socket.recv_fds(self._channel, MESSAGE_BYTES, 1)
        return Child(self, int(answer), *handles)

    def reap(self, process_id: int) -> int:
        with self._asking:
            self._channel.send(json.dumps({"reap": process_id}).encode())
            return int(self._channel.recv(MESSAGE_BYTES))

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


@cache
def nursery() -> Nursery:
    """The nursery of this process. It is there until the process ends."""
    made = Nursery()
    atexit.register(made.close)
    return made


def tend(channel: socket.socket) -> list[str]:
    """Do what is asked until nobody is left to ask. Returns in a child, with the program that it is to run."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 2)
        if not message:
            sys.exit()
        request = json.loads(message)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        process_id = os.fork()
        if process_id == 0:
            channel.close()
            settle(files, request)
            return list(request["program"])
        for file in files:
            os.close(file)
        handle = os.pidfd_open(process_id)
        socket.send_fds(channel, [str(process_id).encode()], [handle])
        os.close(handle)


def settle(files: Sequence[int], request: dict[str, Any]) -> None:
    """Let the child have what is its own."""
    for file, place in zip(files, (1, 2), strict=True):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])


def run(program: Sequence[str]) -> None:
    if program[0] == "-m":
        sys.argv = list(program[1:])
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(program)
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    sys.path[0] = ""  # as `python -m` has it
    gc.freeze()  # so that the children go on sharing this memory
    run(tend(socket.socket(fileno=int(sys.argv[1]))))

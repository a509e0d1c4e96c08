"""Connections on which a test sends bytes as no HTTP client would."""

import ctypes
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import httpx

from support.servers import Server

SO_ATTACH_FILTER = 26
REJECT_EVERYTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # one BPF instruction: take 0 bytes of each packet
PIECE_BYTES = 16 * 1024


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "never became so"
        time.sleep(0.02)


def viewers(server: Server) -> int:
    return figure(server, "jari_viewers")


def connections(server: Server) -> int:
    return figure(server, "jari_connections")


def figure(server: Server, name: str) -> int:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith(f"{name} "))))


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


class RawConnection:
    """One connection; ``received`` is all that has come."""

    def __init__(self, server: Server, *, host: str = "127.0.0.1", source: str = "") -> None:
        self.socket = socket.create_connection(
            (host, server.port), 10, source_address=(source, 0) if source else None
        )
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str, *headers: str) -> None:
        lines = "".join(f"{header}\r\n" for header in headers)
        self.send(f"GET {path} HTTP/1.1\r\nHost: jari\r\n{lines}\r\n".encode())

    def send_until_stopped(self, first: bytes, piece: bytes, total_bytes: int) -> int:
        """Send the piece repeatedly until the server answers. Returns how many bytes went out."""
        sent = 0
        with suppress(OSError):  # the server reset the connection
            self.send(first)
            while sent < total_bytes and not select.select([self.socket], [], [], 0)[0]:
                self.send(piece)
                sent += len(piece)
        return sent

    def read_until(self, end: bytes, seconds: float = 10) -> bytes:
        """Read until ``end`` has come. Returns all that came."""
        until = time.monotonic() + seconds
        while end not in self.received:
            assert self._read(until - time.monotonic()), f"closed after {self.received!r}"
        return self.received

    def read(self, total_bytes: int, seconds: float = 10) -> None:
        """Read until that many bytes have come in all."""
        until = time.monotonic() + seconds
        while len(self.received) < total_bytes:
            assert self._read(until - time.monotonic()), f"closed after {len(self.received)} bytes"

    def read_to_the_end(self, seconds: float = 20) -> bytes:
        """Read until the server closes; fail if it does not. Returns all that came."""
        until = time.monotonic() + seconds
        while self._read(until - time.monotonic()):
            pass
        return self.received

    def stays_open(self, seconds: float) -> bool:
        """Whether nothing comes for so long: no byte and no end."""
        return not select.select([self.socket], [], [], seconds)[0]

    def go_deaf(self) -> None:
        """Let the kernel throw away all that comes, as if the cable were cut: it sends no acknowledgement and no reset."""
        program = ctypes.create_string_buffer(REJECT_EVERYTHING)
        self.socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program))
        )

    def _read(self, seconds: float) -> bytes:
        assert seconds > 0, f"nothing more came, and no end, after {self.received!r}"
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise AssertionError(f"nothing more came, and no end, after {self.received!r}") from None
        self.received += data
        return data

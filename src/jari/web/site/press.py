"""``python -m jari.web.site.press``: draws tickets in a process of its own, one sheet after the other.

It reads jobs from its standard input, and writes the drawn documents to its standard output. Each is four octets of
length and then the octets themselves. The press ends when its input ends, so it never outlives the server.
"""

import os
import signal
import sys
from typing import BinaryIO, Final

import msgspec

from jari.web.site.ticket_documents import TicketSheet, tickets_pdf

LENGTH_BYTES: Final = 4
NICENESS: Final = 10  # where processors are few, selling seats goes before drawing


class Job(msgspec.Struct):
    """A sheet to draw, and the zone that its time is written in."""

    sheet: TicketSheet
    time_zone: str


def framed(octets: bytes) -> bytes:
    """The octets with their length before them."""
    return len(octets).to_bytes(LENGTH_BYTES, "big") + octets


def work(jobs: BinaryIO, drawn: BinaryIO) -> None:
    """Draw until the jobs end."""
    decoder = msgspec.msgpack.Decoder(Job)
    while len(head := jobs.read(LENGTH_BYTES)) == LENGTH_BYTES:
        job = decoder.decode(jobs.read(int.from_bytes(head, "big")))
        drawn.write(framed(tickets_pdf(job.sheet, job.time_zone)))
        drawn.flush()


def main() -> None:
    """Draw for the process that holds the other ends of the pipes."""
    # A terminal sends it to the server, too, which then ends the press in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    drawn = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # no library's print gets between documents
    work(sys.stdin.buffer, drawn)


if __name__ == "__main__":
    main()

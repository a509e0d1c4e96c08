"""The figures of ``/metrics``: those of this process and of all other workers.

Each worker keeps its figures in its own memory, with its number as a label. The worker that is asked asks the others
over a socket that only this machine sees.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog
from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from jari import metrics
from jari.settings import ServerSettings
from jari.web.workers import Worker

log = structlog.get_logger()

MAX_FIGURES_BYTES = 8 * 1024 * 1024


class Figures:
    """What ``/metrics`` answers."""

    def __init__(self, worker: Worker | None, settings: ServerSettings) -> None:
        self._worker = worker
        self._settings = settings

    async def text(self) -> bytes:
        """All figures in Prometheus's format, without those of workers that do not answer in time."""
        worker = self._worker
        if worker is None:
            return generate_latest()
        others = [number for number in range(1, worker.count + 1) if number != worker.number]
        told = await asyncio.gather(*(self._ask(worker, number) for number in others))
        metrics.workers_answering.set(1 + sum(text is not None for text in told))
        others_texts = [text for text in told if text is not None]
        return joined([generate_latest(metrics.workers_answering), self._own(worker), *others_texts])

    @asynccontextmanager
    async def told_to_others(self) -> AsyncIterator[None]:
        """Within the block, tell other workers the figures of this one when they ask."""
        worker = self._worker
        if worker is None:
            yield
            return

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(self._own(worker))
            writer.close()

        metrics.worker_starts.inc(worker.starts)
        # uvloop does not know abstract names, so the sockets are made here
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(_address(worker, worker.number))
        async with await asyncio.start_unix_server(tell, sock=listening):
            yield

    def _own(self, worker: Worker) -> bytes:
        return generate_latest(Labelled(worker.number))

    async def _ask(self, worker: Worker, number: int) -> bytes | None:
        try:
            asking = socket.socket(socket.AF_UNIX)
            asking.settimeout(0)
            asking.connect(_address(worker, number))  # never waits: it succeeds or is refused at once
            async with asyncio.timeout(self._settings.figures_seconds):
                reader, writer = await asyncio.open_unix_connection(sock=asking, limit=MAX_FIGURES_BYTES)
                text = await reader.read()
                writer.close()
        except (OSError, TimeoutError) as error:
            log.warning("figures_missing", of_worker=number, error=repr(error))
            return None
        return text


class Labelled(Collector):
    """The figures of this process, each with the worker's number."""

    def __init__(self, number: int) -> None:
        self._label = {"worker": str(number)}

    def collect(self) -> Iterable[Metric]:
        """What prometheus-client asks for."""
        for family in REGISTRY.collect():
            labelled = Metric(family.name, family.documentation, family.type)
            labelled.samples = [
                Sample(each.name, {**each.labels, **self._label}, each.value) for each in family.samples
            ]
            yield labelled


def joined(texts: Sequence[bytes]) -> bytes:
    """The figures of several workers as one text. The lines of one figure stand together."""
    families: dict[bytes, list[bytes]] = {}
    for text in texts:
        for block in text.split(b"# HELP ")[1:]:
            meaning, kind, samples = block.split(b"\n", 2)
            families.setdefault(meaning + b"\n" + kind + b"\n", []).append(samples)
    return b"".join(b"# HELP " + head + b"".join(samples) for head, samples in families.items())


def _address(worker: Worker, number: int) -> str:
    """A name in Linux's abstract namespace: there is no file, and the name ends with its process."""
    return f"\0jari-{worker.family}-{number}"

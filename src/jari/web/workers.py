"""Several workers on one address: their parent begins them, replaces those that die, and ends them all.

The parent serves nobody. It holds a listening socket for each worker open: when a worker dies, the connections that
wait in its socket are there for its successor. The parent is a single thread without an event loop, so it may fork,
and a worker need not load the program anew. A worker learns by a pipe that its parent is gone. By another the parent
learns that a worker is alive; it kills one that has fallen silent.
"""

import gc
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import structlog

from jari.settings import BadSetting, ServerSettings
from jari.web.listening import listen_again, listen_together

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
MAX_DOUBLINGS = 30  # of a pause: more would overflow
LOOK_SECONDS = 0.05  # between two looks at the clock while a worker is due or not ready
QUIET_SECONDS = 1.0  # the same while all of them answer
INTERRUPTED = 130
REPORT = struct.Struct("!I")  # a process id: so few bytes are written to a pipe as one
REPORTS = 1024 * REPORT.size  # taken from the pipe at a time


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker gets from its parent."""

    number: int  # from 1
    count: int
    starts: int  # how many workers have had this number, this one included
    listening: socket.socket
    family: str  # names this parent's workers; no others have it
    orphaned: int  # a descriptor that is readable when the parent is gone
    report: int  # a descriptor that takes `REPORT`s of workers that answer

    def tell_alive(self) -> None:
        """Tell the parent that this worker answers. Call it from the event loop, once a second from the start on."""
        with suppress(BlockingIOError):  # the parent has not looked for hours, and will find enough reports
            os.write(self.report, REPORT.pack(os.getpid()))


@dataclass(slots=True)
class Place:
    """A numbered place that one worker after the other takes."""

    number: int
    listening: socket.socket | None
    process_id: int = 0  # 0: nobody works here
    starts: int = 0
    is_ready: bool = False
    was_ready: bool = False
    started_at: float = 0.0
    heard_at: float = 0.0  # when its last report came
    failures: int = 0  # in a row: workers that died soon after their start
    due_at: float = 0.0


class Supervisor:
    """The parent. Call `run` in the main thread of a process without other threads and without an event loop."""

    def __init__(self, settings: ServerSettings, work: Callable[[Worker], int]) -> None:
        """``work`` is what a worker does; it returns the worker's exit code.

        Raises:
            BadSetting: the address cannot be had.
        """
        sockets = listen_together(settings)
        self._settings = settings
        self._work = work
        self._host, self._port = sockets[0].getsockname()[:2]
        self._family = os.urandom(8).hex()
        self._places = [Place(number, each) for number, each in enumerate(sockets, start=1)]
        self._orphaned, self._lifeline = os.pipe()
        self._reports, self._report = os.pipe()
        os.set_blocking(self._report, False)
        self._signals, self._signal = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._has_started = False
        self._looked_at = time.monotonic()  # when the parent last looked after its workers
        self._exit_code: int | None = None  # set once the parent is ending
        self._end_by = 0.0

    def run(self) -> int:
        """Supervise until told to end, or until a worker cannot even begin. Returns the exit code."""
        self._signals.settimeout(0)
        self._signal.settimeout(0)
        signal.set_wakeup_fd(self._signal.fileno())
        for number in SIGNALS:
            signal.signal(number, _wake)
        self._selector.register(self._signals, selectors.EVENT_READ, self._take_signals)
        self._selector.register(self._reports, selectors.EVENT_READ, self._take_reports)
        gc.collect()
        gc.freeze()  # workers share this memory as long as no collector writes to it
        self._begin(self._places[0])
        while self._exit_code is None or any(place.process_id for place in self._places):
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._bury_the_dead()
            if self._exit_code is None:
                self._end_the_silent()
                self._begin_who_is_due()
            elif time.monotonic() > self._end_by:
                self._signal_all(signal.SIGKILL)
        log.info("stopped")
        return self._exit_code

    def _patience(self) -> float:
        """How long to wait for a signal or a report."""
        is_quiet = self._exit_code is None and all(
            place.process_id and place.is_ready for place in self._places
        )
        return QUIET_SECONDS if is_quiet else LOOK_SECONDS

    def _take_signals(self) -> None:
        for number in self._signals.recv(4096):
            if number == signal.SIGINT and self._exit_code is not None:
                self._signal_all(signal.SIGKILL)  # a second SIGINT: the operator does not want to wait
            elif number == signal.SIGINT:
                self._end(INTERRUPTED)
            elif number == signal.SIGTERM:
                self._end(0)

    def _take_reports(self) -> None:
        answering = {process_id for (process_id,) in REPORT.iter_unpack(os.read(self._reports, REPORTS))}
        for place in self._places:
            if place.process_id in answering:  # else it died, and what it said is not its successor's
                place.is_ready = place.was_ready = True
                place.heard_at = time.monotonic()
        if not self._has_started and all(place.was_ready for place in self._places):
            self._has_started = True
            log.info("started", host=self._host, port=self._port, workers=len(self._places))

    def _end_the_silent(self) -> None:
        """Kill each worker that has not reported for long: its event loop hangs, so it answers nobody.

        A parent that was stopped itself, with its workers perhaps, first gives them the time to report.
        """
        now, silence_seconds = time.monotonic(), self._settings.worker_silence_seconds
        was_stopped = now > self._looked_at + silence_seconds / 2
        self._looked_at = now
        for place in self._places:
            if was_stopped:
                place.heard_at = now
            elif place.process_id and place.is_ready and now > place.heard_at + silence_seconds:
                log.error("worker_silent", worker=place.number, for_seconds=silence_seconds)
                os.kill(place.process_id, signal.SIGKILL)
                place.heard_at = now  # so it is killed and logged once

    def _begin_who_is_due(self) -> None:
        """Begin the workers that are due. The first begins alone, so that a wrong setting is logged once, not by each."""
        now = time.monotonic()
        for place in self._places:
            if place.process_id and not place.is_ready:
                if now > place.started_at + self._settings.worker_start_seconds:
                    log.error(
                        "worker_not_ready",
                        worker=place.number,
                        after_seconds=self._settings.worker_start_seconds,
                    )
                    os.kill(place.process_id, signal.SIGKILL)
            elif not place.process_id and now >= place.due_at and self._places[0].was_ready:
                self._begin(place)

    def _begin(self, place: Place) -> None:
        place.starts += 1
        place.is_ready = False
        place.started_at = time.monotonic()
        try:
            if place.listening is None:
                place.listening = listen_again(self._settings, self._port)
            self._fork(place, place.listening)
        except (OSError, BadSetting):  # no process or descriptor is left, or somebody took the port meanwhile
            log.exception("worker_not_begun", worker=place.number)
            self._replace(place, 1)

    def _fork(self, place: Place, listening: socket.socket) -> None:
        # No signal may be lost while the child changes its handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            place.process_id = os.fork()
            if place.process_id == 0:
                self._become_worker(place, listening)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _become_worker(self, place: Place, listening: socket.socket) -> NoReturn:
        exit_code = 1
        try:
            self._let_go(place)
            worker = Worker(
                place.number,
                len(self._places),
                place.starts,
                listening,
                self._family,
                self._orphaned,
                self._report,
            )
            exit_code = self._work(worker)
        except BaseException:  # whatever fails, a worker must never go on as the parent
            log.exception("worker_failed")
        finally:
            with suppress(OSError):
                sys.stdout.flush()
            os._exit(exit_code)

    def _let_go(self, workers_place: Place) -> None:
        """In the child: let go of what is the parent's, its signals, pipes and the sockets of other workers."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A terminal sends it to all processes; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._selector.close()
        self._signals.close()
        self._signal.close()
        os.close(self._lifeline)
        os.close(self._reports)
        for place in self._places:
            if place is not workers_place and place.listening is not None:
                place.listening.close()

    def _bury_the_dead(self) -> None:
        """Reap every child that ended. A parent with process id 1 has children that are no workers, too."""
        while True:
            try:
                process_id, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process_id == 0:
                return
            for place in self._places:
                if place.process_id == process_id:
                    self._replace(place, os.waitstatus_to_exitcode(status))

    def _replace(self, place: Place, exit_code: int) -> None:
        """Plan the successor of a worker: at once, or after a pause if several failed in a row."""
        place.process_id = 0
        if self._exit_code is not None:
            return
        if not self._has_started:  # the worker has logged itself what is wrong
            self._end(max(exit_code, 1))
            return
        lived_seconds = time.monotonic() - place.started_at
        place.failures = 0 if lived_seconds >= self._settings.worker_proof_seconds else place.failures + 1
        pause_seconds = self._pause_seconds(place.failures)
        place.due_at = time.monotonic() + pause_seconds
        if pause_seconds and place.listening is not None:
            place.listening.close()  # clients go to other workers instead of waiting here
            place.listening = None
        log.error(
            "worker_died",
            worker=place.number,
            exit_code=exit_code,
            lived_seconds=round(lived_seconds, 3),
            next_in_seconds=pause_seconds,
        )

    def _pause_seconds(self, failures: int) -> float:
        """No pause after the first failure; then each is twice as long as the last."""
        if failures <= 1:
            return 0.0
        shortest, longest = self._settings.worker_pause_min_ms / 1000, self._settings.worker_pause_max_seconds
        return float(min(shortest * 2 ** min(failures - 2, MAX_DOUBLINGS), longest))

    def _end(self, exit_code: int) -> None:
        """Tell all workers to end, and refuse new connections. Workers have as long as a single process has."""
        if self._exit_code is not None:
            return
        self._exit_code = exit_code
        self._end_by = time.monotonic() + self._settings.end_seconds + 1
        for place in self._places:
            if place.listening is not None:
                place.listening.close()
                place.listening = None
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.process_id:
                os.kill(place.process_id, number)


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: Python itself writes the signal's number to the supervisor's socket."""

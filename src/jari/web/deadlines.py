"""How long a request may wait. When its time is over, the client gets a 503 and the work is cancelled.

The 503 goes out before the cancelled work has ended, since letting go of a silent store takes time. What a till has
begun goes on, for it may be half done; so the answer does not say that nothing happened. Only the time until an
answer begins is bounded: an open stream and a long download have begun theirs. The time in which a client sends its
body does not count here; the protocol bounds it.
"""

import asyncio
import math
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jari import metrics
from jari.domain.errors import Unavailable
from jari.web.errors import problem, status_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RETRY_SECONDS = 2
LOOK_SECONDS = 0.1  # between two looks for requests whose time is over: one timer serves all requests


class GivenUp(Exception):
    """The request is being answered with a 503. Whoever catches this must await ``answered`` before the request ends."""

    def __init__(self, answered: asyncio.Task[None]) -> None:
        super().__init__()
        self.answered = answered


class Deadlines:
    """Every request whose answer has not begun."""

    def __init__(self) -> None:
        self._waiting: dict[Waiting, None] = {}
        self.loop: asyncio.AbstractEventLoop | None = None  # the loop of the first request
        self._timer: asyncio.TimerHandle | None = None

    def around(self, app: ASGIApp, seconds: int) -> ASGIApp:
        """The application, with each of its requests bounded to so many seconds."""

        async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            try:
                with self.bound(seconds, scope, receive, send) as request:
                    await app(scope, request.receive, request.send)
            except GivenUp as given_up:
                await given_up.answered

        return bounded

    def bound(self, seconds: int, scope: Scope, receive: Receive, send: Send) -> "Waiting":
        """A block in which the answer to a request begins. Raises GivenUp if that takes too long."""
        return Waiting(self, seconds, scope, receive, send)

    def end(self) -> None:
        """Give up every request, because the server ends."""
        for request in list(self._waiting):
            request.give_up("This server is ending.")

    def now(self) -> float:
        """The loop's time."""
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
        return self.loop.time()

    def add(self, request: "Waiting") -> None:
        """Look after a request until it is removed."""
        self._waiting[request] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def remove(self, request: "Waiting") -> None:
        """Stop looking after a request."""
        self._waiting.pop(request, None)

    def _look(self) -> None:
        """Give up the requests whose time is over. Look again as long as any request waits."""
        now = self.now()
        for request in list(self._waiting):
            if request.until <= now:
                request.give_up("There was no answer in time: the store is slow, or away.")
        self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


class Waiting:
    """One request until its answer has begun; ``until`` is the loop's time at which it is given up."""

    __slots__ = (
        "_answering", "_begun", "_body_is_whole", "_deadlines", "_receive", "_scope", "_seconds", "_send", "_task",
        "until",
    )  # fmt: skip

    def __init__(
        self, deadlines: Deadlines, seconds: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._scope = scope
        self._receive = receive
        self._send = send
        self._task: asyncio.Task[Any] | None = None
        self._begun = False
        self._answering: asyncio.Task[None] | None = None
        self._body_is_whole = False
        self.until = deadlines.now() + seconds

    async def receive(self) -> Message:
        """Wait for the next part of the body. This time is the client's and does not count."""
        if self._body_is_whole:
            return await self._receive()
        self.until = math.inf
        message = await self._receive()
        self._body_is_whole = not message.get("more_body", False)
        self.until = self._deadlines.now() + self._seconds
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on; drop it if it comes too late."""
        if self._answering is None:
            self._begun = True
            await self._send(message)

    def give_up(self, why: str) -> None:
        """Answer now, unless an answer has begun, and cancel the work."""
        if self._begun or self._answering is not None or self._task is None:
            return
        refusal = Unavailable(f"{why} {self._remedy()}", retry_after_seconds=RETRY_SECONDS)
        metrics.requests.count(status_of(refusal))
        self._answering = asyncio.create_task(problem(refusal)(self._scope, self._receive, self._send))
        self._task.cancel()

    def __enter__(self) -> Self:
        self._task = asyncio.current_task(self._deadlines.loop)
        self._deadlines.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self._answering is not None:
            raise GivenUp(self._answering)

    def _remedy(self) -> str:
        if self._scope["method"] in SAFE_METHODS:
            return "Try again in a few seconds."
        return (
            "It is not known whether what you asked for was done: look, or send the same request with the same "
            "Idempotency-Key again."
        )

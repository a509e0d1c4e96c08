"""What operators and load balancers ask for: alive, ready, and the figures."""

from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST

from jari.domain.errors import Unavailable
from jari.domain.permissions import Action
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint, Kind
from jari.web.api.shapes import Answer
from jari.web.replies import Reply
from jari.web.services import Services

RETRY_SECONDS = 2


class Alive(Answer, frozen=True):
    """The process answers."""

    alive: bool


class Ready(Answer, frozen=True):
    """The database does, too. While Redis is away everything goes on, but with the delay of polling."""

    ready: bool
    redis: Literal["there", "away"] | None  # null where there is none


async def livez(_: Services, __: Call[None, None]) -> Alive:
    """Is the process alive."""
    return ALIVE


async def readyz(services: Services, _: Call[None, None]) -> Ready:
    """Can it serve."""
    if services.drain.has_begun:
        raise Unavailable("This server is ending: ask another.", retry_after_seconds=RETRY_SECONDS)
    await services.live.check_store()
    if services.redis_answers is None:
        return Ready(ready=True, redis=None)
    return Ready(ready=True, redis="there" if await services.redis_answers() else "away")


async def figures(services: Services, __: Call[None, None]) -> Reply:
    """Figures for Prometheus."""
    return Reply(200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], await services.figures())


ALIVE = Alive(alive=True)

ENDPOINTS = (
    Endpoint("GET", "/livez", livez, Action.LOOK, answer=Alive),
    Endpoint("GET", "/readyz", readyz, Action.LOOK, answer=Ready),
    Endpoint("GET", "/metrics", figures, Action.LOOK, kind=Kind.FILE, media="text/plain"),
)

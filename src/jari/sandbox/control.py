"""How tests control the sandbox: ``/sandbox/behaviours`` and ``/sandbox/ledger``.

Neither address asks for a key. They answer only this machine, and only if ``Options.control`` is on.
"""

import ipaddress

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jari.sandbox.behaviours import Behaviour, Behaviours, TooMany
from jari.sandbox.errors import Refusal
from jari.sandbox.ledger import Ledger
from jari.sandbox.wire import payment_object, read_body

BAD_REQUEST = 400
FORBIDDEN = 403
NO_CONTENT = 204


class Control:
    """What tests ask the sandbox for."""

    def __init__(self, ledger: Ledger, behaviours: Behaviours) -> None:
        self._ledger = ledger
        self._behaviours = behaviours

    async def add(self, request: Request) -> Response:
        """``POST /sandbox/behaviours``: what the next calls do; see `jari.sandbox.behaviours.Behaviour`."""
        if not _is_near(request):
            return _far()
        try:
            behaviour = msgspec.json.decode(await read_body(request), type=Behaviour)
            self._behaviours.add(behaviour)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _json({"message": str(error)}, BAD_REQUEST)
        except (Refusal, TooMany):
            return _json({"message": "That is more than can be remembered."}, BAD_REQUEST)
        return Response(status_code=NO_CONTENT)

    async def clear(self, request: Request) -> Response:
        """``DELETE /sandbox/behaviours``: behave from now on."""
        if not _is_near(request):
            return _far()
        self._behaviours.clear()
        return Response(status_code=NO_CONTENT)

    async def show(self, request: Request) -> Response:
        """``GET /sandbox/behaviours``: those whose calls have not come yet."""
        if not _is_near(request):
            return _far()
        return _json({"behaviours": self._behaviours.waiting()})

    async def ledger(self, request: Request) -> Response:
        """``GET /sandbox/ledger``: every payment as the API shows it, and under ``charges`` how often it was charged."""
        if not _is_near(request):
            return _far()
        return _json({
            "payments": [
                {**msgspec.to_builtins(payment_object(each)), "charges": each.charges}
                for each in self._ledger.payments()
            ]
        })  # fmt: skip


def _is_near(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _far() -> Response:
    return _json({"message": "Only the machine itself may ask for this."}, FORBIDDEN)


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")

"""A payment gateway for tests and for the demo: it speaks the protocol of Toss Payments (API v1), and no money moves.

It stands alone: nothing here imports the rest of jari. ``build_sandbox`` gives an ASGI application, and
``python -m jari.sandbox`` serves one. ``errors``, ``ledger``, ``answers`` and ``behaviours`` hold the rules, without
I/O and without a clock; the other modules are thin shells around them.
"""

from jari.sandbox.app import Sandbox, build_sandbox
from jari.sandbox.options import DEFAULT_SECRET_KEY, Options

__all__ = ["DEFAULT_SECRET_KEY", "Options", "Sandbox", "build_sandbox"]

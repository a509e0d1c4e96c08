"""The settings of a sandbox."""

from dataclasses import dataclass

from jari.sandbox.ledger import MAX_PAYMENTS

DEFAULT_SECRET_KEY = "test_sk_jari_sandbox"  # noqa: S105 - opens a gateway that has no money
DEFAULT_CLIENT_KEY = "test_ck_jari_sandbox"  # the sandbox takes any; clients know it by this one


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one sandbox.

    ``control`` opens ``/sandbox/behaviours`` and ``/sandbox/ledger`` to every caller on this machine, without any key.
    Leave it off behind a proxy on this machine: every caller then seems to be on this machine.
    """

    secret_key: str = DEFAULT_SECRET_KEY
    webhook_url: str | None = None
    webhook_backoff_seconds: float = 1.0  # before the first retry; each further wait is four times as long
    delay_seconds: float = 0.0  # of every answer of the API
    slow_card_seconds: float = 30.0
    max_payments: int = MAX_PAYMENTS
    control: bool = False

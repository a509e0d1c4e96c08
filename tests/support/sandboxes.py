"""A payment sandbox in a process of its own, spoken to over a real socket."""

import signal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from support.nursery import Process
from support.servers import begin, comes_up, free_port, outer_environment

END_SECONDS = 15.0
CALL_SECONDS = 10.0
SECRET_KEY = "test_sk_for_the_tests_of_jari"
SUCCESS_URL = "http://shop.test/paid"
FAIL_URL = "http://shop.test/left"


def checkout(order_id: str, amount: int, **fields: str) -> dict[str, str]:
    """The fields of ``GET /pay`` and of its form."""
    return {
        "orderId": order_id,
        "amount": str(amount),
        "orderName": "2 seats",
        "successUrl": SUCCESS_URL,
        "failUrl": FAIL_URL,
        **fields,
    }


def parameters_of(location: str) -> dict[str, str]:
    """The parameters of the address to which the gateway sends a buyer back."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(location).query).items()}


class Sandbox:
    """``python -m jari.sandbox``; settings as for ``JARI_SANDBOX_<NAME>``."""

    def __init__(self, log_file: Path, **settings: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret_key = SECRET_KEY
        self.log_file = log_file
        self._settings = {f"JARI_SANDBOX_{name.upper()}": str(value) for name, value in settings.items()}
        self.process: Process | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a server that takes payments here."""
        return {
            "gateway_url": self.url,
            "gateway_secret_key": self.secret_key,
            "gateway_client_key": "test_ck_of_the_tests",
            "gateway_script_url": f"{self.url}/v2/standard",
        }

    def start(self) -> "Sandbox":
        environment = outer_environment() | {
            "JARI_SANDBOX_PORT": str(self.port),
            "JARI_SANDBOX_SECRET_KEY": self.secret_key,
            **self._settings,
        }
        # A new client for each call would read the system's certificates each time, in vain.
        self._client = httpx.Client(
            base_url=self.url, timeout=CALL_SECONDS, verify=False, limits=httpx.Limits(keepalive_expiry=1)
        )
        with self.log_file.open("ab") as log:
            self.process = begin(("-m", "jari.sandbox"), environment, log, log)
        if not comes_up(self.process, self.port, "/livez"):
            raise AssertionError(f"the sandbox did not start:\n{self.log_file.read_text()}")
        return self

    def authenticate(self, order_id: str, amount: int, card: str = "good") -> str:
        """Choose a card on the payment page. Returns the paymentKey that the buyer comes back with."""
        form = {**checkout(order_id, amount), "choice": card}
        answer = self._client.post("/pay", data=form)
        assert answer.status_code == 303, answer.text
        return parameters_of(answer.headers["location"])["paymentKey"]

    def behave(self, call: str, **behaviour: Any) -> None:
        """Tell the sandbox what the next calls do: ``orderId``, ``times``, ``delaySeconds``, ``delayed``, ``drop``…"""
        body = {"call": call, **behaviour}
        answer = self._client.post("/sandbox/behaviours", json=body)
        assert answer.status_code == 204, answer.text

    def behave_well(self) -> None:
        """Forget what was told with ``behave``."""
        self._client.delete("/sandbox/behaviours").raise_for_status()

    def waiting_behaviours(self) -> list[dict[str, Any]]:
        """The behaviours from ``behave`` whose calls have not come yet."""
        answer = self._client.get("/sandbox/behaviours")
        return answer.raise_for_status().json()["behaviours"]

    def ledger(self) -> list[dict[str, Any]]:
        """Every payment as the API shows it, the oldest first; ``charges`` counts the confirms that took money."""
        answer = self._client.get("/sandbox/ledger")
        return answer.raise_for_status().json()["payments"]

    def payment(self, order_id: str) -> dict[str, Any]:
        """The only payment of this order in the ledger."""
        (payment,) = [each for each in self.ledger() if each["orderId"] == order_id]
        return payment

    def kill(self) -> None:
        """End it as a power cut would; its books are gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def log(self) -> str:
        return self.log_file.read_text()

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self._client.close()
            self.process.send_signal(number)
            self.process.wait(END_SECONDS)

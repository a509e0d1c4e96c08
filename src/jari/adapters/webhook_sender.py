"""Sending deliveries to webhooks over HTTP: one POST, a status or no answer."""

import aiohttp

from jari.adapters.proxies import proxy_to
from jari.ports.webhooks import NotDelivered, SignedEvent

# Only the status of an answer counts. We read a short body to its end, so that the connection can be used again.
MAX_ANSWER_BYTES = 4 * 1024


class HttpWebhookSender:
    """See `jari.ports.webhooks.WebhookSender`."""

    def __init__(self, *, timeout_seconds: float, connections: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._connections = connections
        self._session: aiohttp.ClientSession | None = (
            None  # made when it is needed, in the event loop that needs it
        )

    async def close(self) -> None:
        """Close the connections; no call may follow."""
        if self._session is not None:
            await self._session.close()

    async def send(self, url: str, event: SignedEvent) -> int:
        """POST once and return the answer's status. Follows no redirect; ends within the time limit.

        Raises:
            NotDelivered: there was no answer.
        """
        try:
            async with self._opened().post(
                url, data=event.body, headers=headers_of(event), allow_redirects=False, proxy=proxy_to(url)
            ) as answer:
                read = 0
                async for chunk in answer.content.iter_any():
                    read += len(chunk)
                    if read > MAX_ANSWER_BYTES:
                        answer.close()  # its connection cannot be used again
                        break
                return answer.status
        except TimeoutError:
            raise NotDelivered(f"no answer within {self._timeout_seconds:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise NotDelivered(f"the connection failed: {type(error).__name__}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def headers_of(event: SignedEvent) -> dict[str, str]:
    """The headers that a delivery carries, by the Standard Webhooks specification."""
    return {
        "content-type": "application/json",
        "user-agent": "jari-webhooks",
        "webhook-id": event.event_id,
        "webhook-timestamp": str(event.timestamp_seconds),
        "webhook-signature": event.signature,
    }

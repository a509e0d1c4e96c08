"""Sending deliveries to webhooks over HTTP: one POST, a status or no answer."""

import asyncio

import httpx

from jari.ports.webhooks import NotDelivered, SignedEvent

# Only the status of an answer counts. We read a short body to its end, so that the connection can be used again.
MAX_ANSWER_BYTES = 4 * 1024


class HttpWebhookSender:
    """See `jari.ports.WebhookSender`."""

    def __init__(self, *, timeout_seconds: float, connections: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"},
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections; no call may follow."""
        await self._client.aclose()

    async def send(self, url: str, event: SignedEvent) -> int:
        """POST once and return the answer's status. Follows no redirect; ends within the time limit.

        Raises:
            NotDelivered: there was no answer.
        """
        try:
            # httpx limits each read only: a receiver that sends a byte now and then would hold us for ever.
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.stream("POST", url, headers=headers_of(event), content=event.body) as answer,
            ):
                read = 0
                async for chunk in answer.aiter_raw():
                    read += len(chunk)
                    if read > MAX_ANSWER_BYTES:
                        break
                return answer.status_code
        except TimeoutError:
            raise NotDelivered(f"no answer within {self._timeout_seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            raise NotDelivered(f"the connection failed: {type(error).__name__}") from error


def headers_of(event: SignedEvent) -> dict[str, str]:
    """The headers that a delivery carries, by the Standard Webhooks specification."""
    return {
        "content-type": "application/json",
        "user-agent": "jari-webhooks",
        "webhook-id": event.event_id,
        "webhook-timestamp": str(event.timestamp_seconds),
        "webhook-signature": event.signature,
    }

"""The streams' examples in docs/api.md have the form of what the server sends, event by event."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.servers import Server
from support.worlds import World

API = Path(__file__).parents[2] / "docs" / "api.md"
STATUSES = {"AVAILABLE", "HOLD", "OCCUPIED"}

STREAMS = {
    "**A block:**": "/api/matches/{match}/blocks/{block}/seats/status-stream",
    "**A schedule:**": "/api/schedules/{match}/seats/stream",
    "**`?events=batch`**": "/api/schedules/{match}/seats/stream?events=batch",
    "**`?events=batch`**, on both": "/api/matches/{match}/blocks/{block}/seats/status-stream?events=batch",
}


@dataclass(frozen=True)
class Form:
    """What is the same of all events of a kind: which lines they have, in order, and how their data are made."""

    lines: tuple[str, ...]
    name: str
    data: Any


def example_after(heading: str) -> str:
    """The first listing after these words."""
    _, found, rest = API.read_text().partition(heading)
    assert found, heading
    return re.split(r"^```$", rest, maxsplit=2, flags=re.MULTILINE)[1]


def form_of(block: str) -> Form | None:
    """The form of an event; None for what is no event. When to come back stands in whichever comes first."""
    lines = [line.partition(": ")[::2] for line in block.splitlines() if not line.startswith((":", "retry:"))]
    fields = dict(lines)
    if "data" not in fields:
        return None
    if "id" in fields:
        assert re.fullmatch(r"[0-9a-f]+-\d+", fields["id"])
    return Form(
        tuple(name for name, _ in lines), fields.get("event", ""), made_of(json.loads(fields["data"]))
    )


def made_of(value: Any) -> Any:
    """Names in order and types; of a list what its members are, and seats by status whichever there are."""
    if isinstance(value, dict):
        if value.keys() <= STATUSES:
            return {"of each status": [made_of(each) for each in value.values()][:1]}
        return [(name, made_of(each)) for name, each in value.items()]
    if isinstance(value, list):
        return [made_of(value[0])] if value else []
    return type(value).__name__


def forms(blocks: Iterator[str]) -> Iterator[Form]:
    return (form for block in blocks if (form := form_of(block)) is not None)


def blocks_of(answer: httpx.Response) -> Iterator[str]:
    lines: list[str] = []
    for line in answer.iter_lines():
        if line:
            lines.append(line)
        else:
            yield "\n".join(lines)
            lines = []


@pytest.mark.parametrize("heading", STREAMS)
def test_a_stream_sends_what_its_example_shows(
    shared_server: Server, shared_world: World, heading: str
) -> None:
    match, other, buyer = shared_world.match(), shared_world.buyer(), shared_world.buyer()
    path, allocations = STREAMS[heading], f"/api/matches/{match.id}/allocations"
    shown = list(forms(iter(example_after(heading).strip().split("\n\n"))))
    with other.client(shared_server.url) as client, buyer.client(shared_server.url) as second_client:
        client.post(allocations, json={"seatIds": match.seat_ids[:1]}).raise_for_status()
        url = path.format(match=match.id, block=match.block_id)
        with httpx.stream("GET", shared_server.url + url, timeout=10) as answer:
            events = forms(blocks_of(answer))
            seen = list(islice(events, 1))
            second_client.post(allocations, json={"seatIds": match.seat_ids[1:2]}).raise_for_status()
            seen += islice(events, 1)
    assert seen == shown

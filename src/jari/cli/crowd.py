"""``jari crowd``: a crowd that speaks HTTP, for a server that runs already."""

from typing import Annotated

import httpx
import typer

from jari.cli.terminal import JsonOption, console, fail, run, show
from jari.crowd import Tally, run_crowd


def crowd(
    schedule: Annotated[int, typer.Option(envvar="JARI_SCHEDULE", help="The schedule's id.")],
    url: Annotated[
        str, typer.Option(envvar="JARI_URL", help="Where the server is.")
    ] = "http://127.0.0.1:8000",
    fans: Annotated[int, typer.Option(envvar="JARI_FANS", min=1, max=5000)] = 200,
    seconds: Annotated[float, typer.Option(envvar="JARI_SECONDS", min=1, max=86_400)] = 60,
    *,
    json: JsonOption = False,
) -> None:
    """Let a crowd hold and release seats over HTTP."""

    def report(tally: Tally) -> None:
        if not json and console.is_terminal:
            console.print(_tally_line(tally), end="\r")

    try:
        tally = run(run_crowd(url=url, schedule_id=schedule, fans=fans, seconds=seconds, report=report))
    except httpx.HTTPError as error:
        fail(f"{url}: {error}. Is the server running there, and is there a schedule {schedule}?")
    show({"fans": tally.fans, **tally.outcomes}, _tally_line(tally), json=json)


def _tally_line(tally: Tally) -> str:
    done = ", ".join(f"{count} {what}" for what, count in sorted(tally.outcomes.items()))
    return f"{tally.fans} fans; {done or 'nothing yet'}"

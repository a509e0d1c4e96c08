"""How every command is typed and how it answers: shared options, settings, output and refusals."""

import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, NoReturn, TypeVar

import asyncpg
import msgspec
import typer
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from jari.adapters.memory.tables import MEMORY
from jari.adapters.sql.database import SchemaOutdated
from jari.domain.errors import JariError, Unavailable
from jari.main import Stores, open_stores
from jari.settings import BadSetting, Settings

T = TypeVar("T")

console = Console()
complaints = Console(stderr=True, highlight=False)

DatabaseOption = Annotated[
    str | None, typer.Option("--database", envvar="JARI_DATABASE", help="sqlite:///FILE or postgresql://…")
]
JsonOption = Annotated[bool, typer.Option("--json", envvar="JARI_JSON", help="Print one JSON object.")]


def require_shared(settings: Settings) -> None:
    """Refuse a command on stores that nobody else can have open.

    Raises:
        BadSetting: the stores are in memory, and would be gone with this command.
    """
    if settings.database.startswith(MEMORY):
        raise BadSetting(
            "What lies in memory ends with this command: name a database that others can open, too."
        )


@asynccontextmanager
async def opened_stores(settings: Settings) -> AsyncIterator[Stores]:
    """The stores, closed at the end of the block. Raises BadSetting if they are in memory."""
    require_shared(settings)
    stores = await open_stores(settings)
    try:
        yield stores
    finally:
        await stores.close()


def read_settings(**overrides: Any) -> Settings:
    """The settings of the environment and of the options that were given."""
    try:
        return Settings.from_environment(os.environ, **overrides)
    except BadSetting as error:
        fail(str(error))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work. A refusal is printed in one line and gives the exit code 1."""
    try:
        return uvloop.run(work)
    except Unavailable as refusal:
        fail(refusal.detail if refusal.__cause__ is None else _unusable(refusal.__cause__))
    except JariError as refusal:
        fail(refusal.detail)
    except (BadSetting, SchemaOutdated, OSError) as error:
        fail(str(error))
    except (DBAPIError, asyncpg.PostgresError) as error:
        fail(_unusable(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _unusable(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"The database cannot be used: {cause}. Check --database, or JARI_DATABASE."


def fail(sentence: str) -> NoReturn:
    """End the command with one sentence and exit code 1."""
    complaints.print(f"jari: {sentence}", markup=False, soft_wrap=True)
    raise typer.Exit(1)


def show(data: dict[str, Any], text: str | Table, *, json: bool) -> None:
    """Print the data for a machine, or the text for a person."""
    if json:
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    else:
        console.print(text)


def table(rows: list[dict[str, Any]]) -> Table:
    """A table with a line for each row, under the names of the first row."""
    made = Table(*(rows[0] if rows else ["nothing yet"]))
    for row in rows:
        made.add_row(*(str(value) for value in row.values()))
    return made

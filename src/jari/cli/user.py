"""``jari user …``: accounts."""

from typing import Annotated

import typer

from jari.adapters.passwords import ArgonPasswords
from jari.adapters.system import CHANCE, CLOCK
from jari.cli.terminal import DatabaseOption, JsonOption, opened_stores, read_settings, run, show
from jari.domain.users import Role
from jari.main import open_devices
from jari.usecases.accounts import Accounts

user_app = typer.Typer(no_args_is_help=True, help="Make accounts.")


@user_app.command("create")
def create_user(
    email: Annotated[str, typer.Option(envvar="JARI_EMAIL")],
    role: Annotated[Role, typer.Option(envvar="JARI_ROLE")] = Role.BUYER,
    name: Annotated[str, typer.Option(envvar="JARI_NAME")] = "",
    password: Annotated[
        str,
        typer.Option(envvar="JARI_PASSWORD", prompt=True, hide_input=True, help="Better by JARI_PASSWORD."),
    ] = "",
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Make an account."""
    settings = read_settings(database=database)

    async def work() -> int:
        passwords = ArgonPasswords(settings)
        async with opened_stores(settings) as stores:
            devices = await open_devices(stores.duties, settings)
            accounts = Accounts(
                stores.accounts, stores.attempts, stores.news, passwords, devices, CLOCK, CHANCE, settings
            )
            user = await accounts.sign_up(
                email=email, password=password, name=name or email.partition("@")[0], role=role
            )
        passwords.close()
        return user.id

    user_id = run(work())
    show({"id": user_id, "role": role}, f"User {user_id} ({role}).", json=json)

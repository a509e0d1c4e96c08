"""The command line. Every option is also an environment variable, and ``--json`` prints one object for machines."""

import typer

from jari.cli.crowd import crowd
from jari.cli.demo import demo
from jari.cli.migrate import migrate
from jari.cli.relay import relay_app
from jari.cli.schedule import schedule_app
from jari.cli.serve import serve
from jari.cli.user import user_app
from jari.cli.venue import venue_app
from jari.cli.webhook import webhook_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reserved seats for a crowd.",
)
for command in (serve, migrate, demo, crowd):
    app.command()(command)
app.add_typer(venue_app, name="venue")
app.add_typer(schedule_app, name="schedule")
app.add_typer(user_app, name="user")
app.add_typer(webhook_app, name="webhook")
app.add_typer(relay_app, name="relay")

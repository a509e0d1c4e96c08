"""``python -m jari`` is ``jari``."""

from jari.cli import app

app()

"""Run the named figures, or all. Print a table, and write ``bench/results/latest.json``."""

import dataclasses
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench import answers, events, fronts, holds, holds_in_redis, imports, instances, purchases, viewers
from bench.rows import Row

FIGURES = {
    **answers.FIGURES,
    **holds.FIGURES,
    **holds_in_redis.FIGURES,
    **viewers.FIGURES,
    **purchases.FIGURES,
    **imports.FIGURES,
    **fronts.FIGURES,
    **instances.FIGURES,
    **events.FIGURES,
}

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print, write."""
    uvloop.install()
    console = Console()
    rows: list[Row] = []
    names = sys.argv[1:] or list(FIGURES)
    if unknown := [name for name in names if name not in FIGURES]:
        sys.exit(
            f"There is no figure {', '.join(unknown)}: name some of {', '.join(FIGURES)}, or none for all."
        )
    for name in names:
        console.print(f"measuring {name} …")
        rows += FIGURES[name]()
    table = Table("what", "measured", "promised", "met", "note")
    for row in rows:
        met = {True: "yes", False: "NO", None: ""}[row.met]
        table.add_row(row.name, f"{row.value:,.2f} {row.unit}", row.promise, met, row.note)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "figures": [{**dataclasses.asdict(row), "met": row.met} for row in rows],
    }
    (RESULTS / "latest.json").write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n")


main()

"""Hold the coverage to its floor, `fail_under` in pyproject.toml, and say when the floor can go up."""

import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> None:
    """Fail below the floor."""
    floor = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["coverage"]["report"]["fail_under"]
    coverage = [sys.executable, "-m", "coverage"]
    total = float(subprocess.check_output([*coverage, "report", "--format=total", "--fail-under=0"]))  # noqa: S603
    print(f"The tests cover {total} % of the lines and branches; the floor is {floor} %.")  # noqa: T201
    if total < floor:
        sys.exit("Cover what is new. `coverage report --show-missing --skip-covered` names it.")
    if total >= floor + 1:
        print(f"Raise fail_under in pyproject.toml to {int(total)}: the floor only goes up.")  # noqa: T201


if __name__ == "__main__":
    main()

"""Measures what the project promises. ``make bench`` runs all figures, ``python -m bench NAME …`` some.

The servers, databases and worlds are those of the tests.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

"""What newcomers are told to open is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"]
DECISIONS = sorted(f"docs/decisions/{each.name}" for each in (ROOT / "docs/decisions").iterdir())
# Where a name may begin: the root, the package, which architecture.md is about, and the page.
STARTS = ("", "src/jari", "src/jari/web/site/static", "docs", "tests")
NAMED = re.compile(
    r"(?<![\w./])\.?[\w/.-]+\.(?:py|js|ts|md|in|txt|json|toml|sh)\b|(?<![\w./])(?:[\w-]+/){2,}"
)
NAMES = {
    each.name
    for folder in ("src", "tests", "docs", "bench", "scripts")
    for each in (ROOT / folder).rglob("*")
}


def is_there(name):
    """A path, or within a drawing of folders the mere name of a file."""
    return name in NAMES or any((ROOT / start / name).exists() for start in STARTS)


def missing(text):
    return [name for name in NAMED.findall(text) if not is_there(name) and "NAME" not in name]


@pytest.mark.parametrize("document", DOCUMENTS + DECISIONS)
def test_every_file_that_a_document_names_is_there(document):
    assert missing((ROOT / document).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["src/jari/nothing.py", "adapters/nowhere/", "docs/none.md"])
def test_a_file_that_is_gone_is_noticed(name):
    assert missing(f"Open `{name}` first.") == [name]

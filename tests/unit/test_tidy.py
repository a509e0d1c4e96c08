"""The house style, as far as a test can see it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/jari"
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DECIDING = [
    path
    for path in SOURCES
    if path.is_relative_to(PACKAGE / "domain") or path.is_relative_to(PACKAGE / "usecases")
]
ASKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "os.urandom"}
MIGRATIONS = ROOT / "src/jari/adapters/sql/migrations/versions"
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile(
    "|".join(["/" + "home/", "/" + "root/", "/" + "Users/", "/" + "work/", r"C:\\" + "Users"])
)
DOWNLOADS = re.compile(
    "|".join([r"https?://\S+\." + r"(?:whl|tar\.gz|tgz|deb)\b", "--(?:extra-)?" + "index-url[ =]"])
)
LATER = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]))

# One word for one thing: these name things that have another name here.
SYNONYMS = {
    "arena": "venue",
    "stadium": "venue",
    "auditorium": "venue",
    "chair": "seat",
    "customer": "buyer",
    "purchaser": "buyer",
    "organizer": "organiser",
    "booked": "held or occupied",
    "ticketed": "occupied",
    "timeslot": "schedule",
    "fixture": "schedule or match",
}


def relative(path):
    return str(path.relative_to(ROOT))


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of(path):
    return [
        each for each in ast.walk(tree_of(path)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def lines_with(pattern, text):
    return [
        f"{number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 20
    assert len(tracked_files()) > 50


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_can_be_read_at_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


# A migration is a list of statements, written by Alembic and never changed afterwards.
@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent != MIGRATIONS], ids=relative)
def test_a_function_can_be_seen_whole(path):
    long = {
        f"{each.name} (line {each.lineno})": each.end_lineno - each.lineno + 1
        for each in functions_of(path)
        if each.end_lineno - each.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path))


def asked_of_the_machine(source):
    """What a clock or the system's chance is asked for directly, where no import gives it away."""
    return [
        f"line {each.lineno}: {ast.unparse(each)}"
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and f"{each.value.id}.{each.attr}" in ASKS
    ]


@pytest.mark.parametrize("path", DECIDING, ids=relative)
def test_what_decides_asks_no_clock_and_no_chance_but_those_of_the_ports(path):
    """Imports of time, random, secrets and uuid are held by the import rules."""
    assert asked_of_the_machine(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "date.today()", "os.urandom(8)"])
def test_a_look_at_the_clock_is_found(call):
    assert asked_of_the_machine(f"if True:\n    x = [{call}]") != []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_one_word_for_one_thing(path):
    """The names in the code are the words of the glossary."""
    names = {each.id for each in ast.walk(tree_of(path)) if isinstance(each, ast.Name)}
    names |= {each.attr for each in ast.walk(tree_of(path)) if isinstance(each, ast.Attribute)}
    names |= {each.arg for each in ast.walk(tree_of(path)) if isinstance(each, ast.arg)}
    names |= {each.name for each in ast.walk(tree_of(path)) if isinstance(each, ast.ClassDef)}
    names |= {each.name for each in functions_of(path)}
    said = {f"{name}: say {SYNONYMS[word]}" for name in names for word in words_of(name) if word in SYNONYMS}
    assert said == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent.name == "domain"], ids=relative)
def test_the_domain_is_told_the_time(path):
    """What an import contract cannot see: `datetime` tells the time, too."""
    asked = {
        each.func.attr
        for each in ast.walk(tree_of(path))
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
    }
    assert asked.isdisjoint({"now", "utcnow", "today"})


def words_of(name):
    """``startBooking``, ``StartBooking`` and ``start_bookings`` are all of start and booking."""
    parts = re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {part.lower().removesuffix("s") for part in parts}


@pytest.mark.parametrize("name", ["arenaSeats", "ArenaSeat", "arena_seats", "ARENAS", "of_arenas"])
def test_words_are_found_in_every_way_of_writing(name):
    assert "arena" in words_of(name)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (MACHINE_PATHS, "/" + "home/kim"),
        (DOWNLOADS, "https://" + "example.com/jari-1.0.whl"),
        (LATER, "# TO" + "DO: later"),
    ],
    ids=["paths of one machine", "addresses of packages", "work left for later"],
)
def test_no_tracked_file_holds(pattern, found):
    assert pattern.search(found)
    held = {}
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if lines := lines_with(pattern, text):
            held[relative(path)] = lines
    assert held == {}

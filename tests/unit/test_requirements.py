"""What the two commands install is all pinned, so that nothing depends on what a registry serves newest."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
FILES = ["runtime", "dev"]
ADDRESS = re.compile(r"\w+://\S+|--(?:index-url|extra-index-url|find-links|trusted-host)")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) \\$", re.MULTILINE)


def pins_of(text):
    """Name → version of every line that pins something."""
    return {canonicalize_name(found["name"]): found["version"] for found in PIN.finditer(text)}


def roots_of(name):
    """What a person has asked for in ``<name>.in``, and in those that it includes."""
    for line in (REQUIREMENTS / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from roots_of(line.removeprefix("-r ").removesuffix(".in"))
        elif not line.startswith("-"):
            yield Requirement(line)


def holes_in(pins, asked, requires):
    """What is needed by the requirements ``asked``, extras included, but not pinned as needed.

    ``requires`` gives the requirements of a package by name.
    """
    holes, seen, waiting = set(), set(), list(asked)
    while waiting:
        needed = waiting.pop()
        name = canonicalize_name(needed.name)
        if name not in pins:
            holes.add(f"{name} is not pinned")
            continue
        if not needed.specifier.contains(pins[name], prereleases=True):
            holes.add(f"{needed} does not admit the pinned {pins[name]}")
        for extra in ("", *needed.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [
                    each
                    for each in map(Requirement, requires(name))
                    if each.marker is None or each.marker.evaluate({"extra": extra})
                ]
    return holes


def installed(name):
    return metadata.requires(name) or ()


@pytest.mark.parametrize("name", FILES)
def test_the_closure_is_pinned_with_all_its_extras(name):
    pins = pins_of((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"))
    assert holes_in(pins, roots_of(name), installed) == set()


@pytest.mark.parametrize("name", FILES)
def test_what_is_pinned_is_what_is_installed(name):
    pins = pins_of((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"))
    assert {each: metadata.version(each) for each in pins} == pins


def test_every_dependency_of_the_package_is_asked_for():
    asked = {canonicalize_name(each.name) for each in roots_of("runtime")}
    assert {canonicalize_name(Requirement(each).name) for each in installed("jari")} <= asked


@pytest.mark.parametrize(
    ("pins", "hole"),
    [
        ({"a": "1"}, "b is not pinned"),
        ({"a": "1", "b": "1"}, "b>=2 does not admit the pinned 1"),
        ({"a": "1", "b": "2"}, "c is not pinned"),
    ],
    ids=["a package that another needs", "a pin that is too old", "a package that only an extra needs"],
)
def test_a_hole_is_found(pins, hole):
    requires = {"a": ["b>=2"], "b": ['c; extra == "x"']}.get
    assert hole in holes_in(pins, [Requirement("a"), Requirement("b[x]")], lambda name: requires(name, []))


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pin_with_hashes(name):
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry


def test_nothing_is_resolved_while_installing():
    """A resolver may prefer what is newest: pip has taken ``coverage[toml]`` for a reason to."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in recipe.splitlines() if "pip install" in line or "$(INSTALL)" in line]
    assert [line for line in installs if not ("--no-deps" in line or line.startswith("\t$(INSTALL) "))] == []
    assert sum("--require-hashes" in line for line in installs) == len(FILES)


def lock():
    return json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]


def test_the_lock_holds_a_hash_for_each_package():
    packages = {name: each for name, each in lock().items() if name}
    assert packages
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []


@pytest.mark.parametrize(
    "file",
    [*sorted(REQUIREMENTS.iterdir()), ROOT / "package.json", ROOT / "package-lock.json"],
    ids=lambda each: each.name,
)
def test_a_file_of_dependencies_names_no_address(file):
    """npm writes addresses into its lock, of registries and of funds: take them out (CONTRIBUTING.md)."""
    assert ADDRESS.findall(file.read_text(encoding="utf-8")) == []


def test_the_lock_pins_what_is_asked_for_exactly():
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert lock()[""]["devDependencies"] == asked
    assert {name: lock()[f"node_modules/{name}"]["version"] for name in asked} == asked


def test_the_lock_is_closed():
    """npm would resolve what it does not find in it."""
    needed = {
        name
        for each in lock().values()
        for kind in ("dependencies", "devDependencies", "optionalDependencies")
        for name in each.get(kind, ())
    }
    assert {f"node_modules/{name}" for name in needed} <= set(lock())

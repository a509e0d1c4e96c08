"""What is installed is whole: a pattern of package data that forgets a folder shows only on others' machines."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def test_every_file_of_the_package_is_in_the_wheel(tmp_path):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    tracked = [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]
    # In a copy, for building leaves its own folders behind.
    tree = tmp_path / "tree"
    for name in tracked:
        if name.startswith("src/") or "/" not in name:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=tree, check=True, capture_output=True, text=True
    ).stdout.splitlines()[-1]
    packed = zipfile.ZipFile(tmp_path / built).namelist()
    assert {name.removeprefix("src/") for name in tracked if name.startswith("src/")} - set(packed) == set()

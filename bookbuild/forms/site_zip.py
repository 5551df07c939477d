"""The built book in one zip, for reading without a network."""

from __future__ import annotations

import zipfile
from pathlib import Path

from bookbuild.forms.contents import Book
from bookbuild.forms.steps import step

README = """{title}

Open index.html in a browser. Nothing is loaded from the network.

{copyright}. Text and figures: CC BY 4.0. Code: MIT.
"""
# Of no use without a server.
LEFT_OUT = (".buildinfo", ".buildinfo.bak", "objects.inv", "sitemap.xml", "404.html")
STAMP = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip


def write(book: Book, path: Path) -> str:
    """Write the zip and say what is in it."""
    files = sorted(
        file
        for file in book.html.rglob("*")
        if file.is_file() and file.relative_to(book.html).as_posix() not in LEFT_OUT
    )
    with step(f"Packing {len(files)} files"), zipfile.ZipFile(path, "w") as zipped:
        text = README.format(title=book.title, copyright=book.copyright)
        add(zipped, f"{book.stem}/README.txt", text.encode())
        for file in files:
            name = f"{book.stem}/{file.relative_to(book.html).as_posix()}"
            add(zipped, name, file.read_bytes())
    return f"{len(files)} files; unpack it and open {book.stem}/index.html"


def add(zipped: zipfile.ZipFile, name: str, data: bytes, compressed: bool = True) -> None:
    """Add a file without its time and its owner."""
    entry = zipfile.ZipInfo(name, STAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    entry.external_attr = 0o644 << 16
    zipped.writestr(entry, data)

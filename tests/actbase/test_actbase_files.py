"""A file is whole at every moment, and looks afterwards as its owner left it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actbase.errors import CommandError, first_line
from actbase.files import remove_file, replace_file, why_not_written, write_json


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_obeys_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o640


def test_an_existing_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert mode(real) == 0o600


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_readable_and_ends_with_a_line(tmp_path):
    write_json(tmp_path / "a.json", {"ä": [1]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "ä" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"ä": [1]}


def test_the_first_line_that_says_something():
    assert first_line(ValueError("\n  \n what \n more")) == "what"
    assert first_line(ValueError()) == ""
    assert CommandError("no").exit_code == 2


class Nodes:
    """Nodes that a test makes in its own folder, and may write to."""

    def __init__(self, folder):
        self.folder = folder

    def fifo(self):
        os.mkfifo(self.folder / "fifo")
        return self.folder / "fifo"

    def socket(self):
        path = self.folder / "socket"
        self.kept = socket.socket(socket.AF_UNIX)
        self.kept.bind(str(path))
        return path

    def full(self):
        """A device that is always full, as /dev/full is."""
        path = self.folder / "full"
        try:
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
            path.open("wb").close()
        except (OSError, AttributeError):
            pytest.skip("this user may not make devices")
        return path


@pytest.fixture
def nodes(tmp_path):
    return Nodes(tmp_path)


def kind(path):
    return stat.S_IFMT(path.lstat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="POSIX nodes")
def test_a_fifo_is_written_into(nodes):
    path = nodes.fifo()
    link = nodes.folder / "link"
    link.symlink_to(path)
    for target in (path, link):
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        replace_file(target, b"x" * 5000)
        assert os.read(reader, 6000) == b"x" * 5000
        os.close(reader)
    assert kind(path) == stat.S_IFIFO
    assert link.is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's devices")
def test_a_device_stays_a_device(nodes):
    path = nodes.full()
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"x")
    assert kind(path) == stat.S_IFCHR
    remove_file(path)
    assert [p.name for p in nodes.folder.iterdir()] == ["full"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX nodes")
def test_a_socket_and_a_folder_are_refused_and_stay(nodes):
    path = nodes.socket()
    with pytest.raises(OSError):
        replace_file(path, b"x")
    assert kind(path) == stat.S_IFSOCK
    assert why_not_written(path) == "it is a socket"
    with pytest.raises(IsADirectoryError):
        replace_file(nodes.folder, b"x")
    assert why_not_written(nodes.folder) == "it is a folder"
    assert why_not_written(nodes.folder / "a" / "b").startswith("there is no folder")
    assert why_not_written(nodes.folder / "new") is None


def test_links_that_lead_nowhere_yet_or_in_a_circle(tmp_path):
    (tmp_path / "below").mkdir()
    link, circle = tmp_path / "link", tmp_path / "circle"
    link.symlink_to("below/new")
    replace_file(link, b"x")
    assert link.is_symlink()
    assert (tmp_path / "below" / "new").read_bytes() == b"x"
    circle.symlink_to("circle")
    assert why_not_written(circle)
    with pytest.raises(OSError):
        replace_file(circle, b"x")
    assert circle.is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors")
@pytest.mark.parametrize("way", ["> out", ">> out", "| cat > out"])
def test_an_open_descriptor_is_written_after_what_is_there(tmp_path, way):
    code = "from pathlib import Path; from actbase.files import replace_file; print('before')\n"
    code += "replace_file(Path('name'), b'between\\n'); print('after')"
    (tmp_path / "name").symlink_to("/dev/stdout")
    shell = f'"$0" -c "$1" {way}'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(["bash", "-c", shell, sys.executable, code], cwd=tmp_path, check=True,
                   env=environment)  # fmt: skip
    assert (tmp_path / "out").read_text() == "before\nbetween\nafter\n"
    assert (tmp_path / "name").is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_keeps_the_old_file(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    code = "import resource; from pathlib import Path; from actbase.files import replace_file\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    code += "try: replace_file(Path('kept'), b'x' * 5000)\nexcept OSError: print('refused')"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout == "refused\n", done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_names_may_be(tmp_path):
    path = tmp_path / ("x" * 255)
    replace_file(path, b"x")
    assert path.read_bytes() == b"x"

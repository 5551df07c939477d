"""What follows from the list of chapters: table of contents, README, heads of chapters."""

import subprocess
import sys

import yaml

from bookbuild.chapters import BY_NAME, CHAPTERS
from bookbuild.pages import registry


def test_the_files_are_what_the_chapters_say():
    """After a chapter was added, one command writes them anew."""
    module = registry.__name__
    run = subprocess.run([sys.executable, "-m", module, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_chapters_need_only_earlier_ones_and_unlock_later_ones():
    for chapter in CHAPTERS:
        assert all(BY_NAME[name].number < chapter.number for name in chapter.needs)
        assert all(chapter.name in BY_NAME[name].needs for name in chapter.unlocks)
        assert 10 <= chapter.minutes <= 45


def test_a_chapter_enters_the_contents_with_its_notebook(tmp_path):
    (tmp_path / "README.md").write_text("# T\n<!-- chapters -->\nold\n<!-- /chapters -->\nend\n")
    for page in ("index.md", "book/how_to_use.md", "book/claims.md"):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).write_text("")
    for folder in ("notebooks", "exercises"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "02_sigmoid.ipynb").write_text("")
    (tmp_path / "_toc.yml").write_text("")
    assert registry.outdated(tmp_path) == ["_toc.yml", "README.md"]
    assert registry.main(["--root", str(tmp_path)]) == 0
    assert registry.main(["--root", str(tmp_path), "--check"]) == 0
    parts = yaml.safe_load((tmp_path / "_toc.yml").read_text())["parts"]
    assert [part["caption"] for part in parts] == [
        "The course",
        "Part I. Why bend the line",
        "Reference",
    ]
    (chapter,) = parts[1]["chapters"]
    assert chapter["title"] == "2. Sigmoid"
    assert [section["file"] for section in chapter["sections"]] == ["exercises/02_sigmoid"]
    readme = (tmp_path / "README.md").read_text()
    assert "1 of 17 chapters are written, with their exercises:\n2 (Sigmoid)." in readme
    assert readme.endswith("<!-- /chapters -->\nend\n")
    assert "old" not in readme

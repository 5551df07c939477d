"""Where a course lies, and which chapter somebody means."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from actbase.errors import CommandError, first_line
from actgrade import source

# What is kept about one learner lies here, in the folder of the course.
FOLDER = ".actlab"


@dataclass(frozen=True)
class Course:
    """A folder with ``solutions/`` (the source) and ``exercises/`` (what learners edit)."""

    root: Path

    @classmethod
    def find(cls, folder: Path | None = None) -> Course:
        """The course in ``folder``, or the one around the working directory, or this package's.

        Raises:
            CommandError: there is none.
        """
        if folder is not None:
            if not (folder / "solutions").is_dir():
                raise CommandError(f"{folder} is not a course: it has no folder solutions/")
            return cls(folder.resolve())
        here = Path.cwd()
        package = Path(__file__).resolve().parents[1]
        for place in (here, *here.parents, package):
            if (place / "solutions").is_dir() and (
                (place / "exercises").is_dir() or (place / "notebooks").is_dir()
            ):
                return cls(place)
        raise CommandError("no course here: run this in its folder, or name it with --course DIR")

    @property
    def solutions(self) -> Path:
        """The folder of the sources."""
        return self.root / "solutions"

    @property
    def exercises(self) -> Path:
        """The folder of the released notebooks."""
        return self.root / "exercises"

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The packages that come with the course, and that learners' code may import.

        ``pyproject.toml`` says which: ``packages = ["actlab"]`` under ``[tool.actgrade]``.

        Raises:
            CommandError: the file cannot be read, or says something else.
        """
        found = self._settings.get("packages", [])
        if not isinstance(found, list) or not all(
            isinstance(name, str) and name.isidentifier() for name in found
        ):
            path = self.root / "pyproject.toml"
            raise CommandError(f"{path}: packages of [tool.actgrade] is a list of package names")
        return tuple(found)

    @cached_property
    def right_answers(self) -> Path | None:
        """The folder of right answers in other words (:mod:`actgrade.right_answers`), if any.

        ``pyproject.toml`` says where: ``right_answers = "FOLDER"`` under ``[tool.actgrade]``.

        Raises:
            CommandError: the file cannot be read, or says something else.
        """
        found = self._settings.get("right_answers")
        if not isinstance(found, str | None):
            path = self.root / "pyproject.toml"
            raise CommandError(f"{path}: right_answers of [tool.actgrade] is the name of a folder")
        return None if found is None else self.root / found

    @cached_property
    def _settings(self) -> dict[str, Any]:
        path = self.root / "pyproject.toml"
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CommandError(f"{path} cannot be read: {first_line(error)}") from None
        return content.get("tool", {}).get("actgrade", {})

    @cached_property
    def _names(self) -> list[str]:
        return sorted(path.stem for path in self.solutions.glob("*.ipynb"))

    @cached_property
    def _chapters(self) -> dict[str, source.Assignment]:
        return {}

    def chapter_names(self) -> list[str]:
        """The chapters that have exercises, in the order of their numbers."""
        return list(self._names)

    def source_path(self, name: str) -> Path:
        """The source notebook of the chapter ``name``."""
        return self.solutions / f"{name}.ipynb"

    def chapter(self, name: str) -> source.Assignment:
        """The chapter ``name``, read once."""
        if name not in self._chapters:
            self._chapters[name] = source.load(self.source_path(name))
        return self._chapters[name]

    def resolve(self, wanted: str) -> str:
        """The chapter that ``wanted`` means: ``04_relu``, ``04``, ``4``, ``relu`` or a path.

        Raises:
            CommandError: none or several fit; the message names what is near.
        """
        stem = Path(wanted).stem if wanted.endswith(".ipynb") else Path(wanted).name
        names = self._names
        if stem in names:
            return stem
        fitting = [name for name in names if _fits(stem, name)]
        if len(fitting) == 1:
            return fitting[0]
        if not names:
            raise CommandError(f"no chapter {wanted!r}: {self.solutions} has no notebooks")
        near = fitting or difflib.get_close_matches(stem, names, n=3, cutoff=0.4) or names
        raise CommandError(f"no chapter {wanted!r}; did you mean {_either(near)}?")

    def relative(self, path: Path) -> str:
        """``path`` as somebody in the working directory would write it."""
        for base in (Path.cwd(), self.root):
            if path.is_relative_to(base):
                return str(path.relative_to(base))
        return str(path)


def _fits(wanted: str, name: str) -> bool:
    number, _, slug = name.partition("_")
    if wanted.isdigit() and number.isdigit():
        return int(wanted) == int(number)
    return re.sub(r"[\s-]", "_", wanted.lower()) == slug.lower()


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

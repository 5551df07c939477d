"""Whose file it is: read from its path, in the forms that platforms export.

Canvas puts everything into the file's name, ``doejane_LATE_12345_67890_04_relu-1.ipynb``: sortable
name, a mark when it is late, the user's number, the upload's number, the learner's own file name.
Graded without names, it is ``LATE_anon_k7PqZ_67890_04_relu.ipynb``, and an upload that is a link or
a text ends ``doejane_12345_link.html`` or ``_text.html`` (``lib/content_zipper.rb`` of Canvas).
Moodle makes a folder ``Jane Doe_12345_assignsubmission_file``, with a further ``_`` in older
versions; under blind marking everybody's name is "Participant", and a group is ``Team 1_55_...``
or, for those in none, ``Default group_...`` (``mod/assign/classes/downloader.php``). GitHub
Classroom makes a folder ``assignment-username`` with a repository in it. What is none of these may
still be one folder for each learner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The learner's own file name may look like anything, so the numbers are taken from the left.
_CANVAS = re.compile(
    r"^(?P<name>[^_]+(?:_(?!LATE_)[^\d_][^_]*)*?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<upload>\d+)_(?P<file>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# No file of the learner's: what Canvas writes for a link and for a text.
_CANVAS_WRITTEN = re.compile(
    r"^(?P<name>[^_]+(?:_(?!LATE_)[^\d_][^_]*)*?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<file>(?:link|text)\.html)$",
    re.IGNORECASE | re.DOTALL,
)
_CANVAS_ANONYMOUS = re.compile(
    r"^(?P<late>LATE_)?anon_(?P<user>[A-Za-z0-9]{1,12})_(?:(?P<upload>\d+)_(?P<file>.+)|(?P<written>(?:link|text)\.html))$",
    re.DOTALL,
)
_MOODLE = re.compile(
    r"^(?P<name>.+?)(?:_(?P<user>\d+))?_assignsubmission_(?P<kind>[A-Za-z0-9]+)_*$", re.DOTALL
)
_MOODLE_FLAT = re.compile(
    r"^(?P<name>.+?)(?:_(?P<user>\d+))?_assignsubmission_(?P<kind>[A-Za-z0-9]+)_(?P<file>.+)$",
    re.DOTALL,
)
EXERCISES = "exercises"
NO_FILES = {"link.html": "a link, no file", "text.html": "a text, no file",
            "onlinetext": "a text, no file"}  # fmt: skip


@dataclass(frozen=True)
class Owner:
    """Who handed a file in, as the path says.

    Attributes:
        key: the same for all files of one person, and for nobody else's.
        name: to show.
        login: the name of the account, where the path has it.
        user: the platform's number for the person, where the path has it.
        layout: ``canvas``, ``moodle``, ``github`` or ``folder``.
        late: whether the path says so.
        upload: larger for a later upload of the same person; 0 where nothing says so.
        file: the learner's own name for the file.
        place: the folder of this learner, to tell two learners of the same name apart.
        in_exercises: whether the file lies where a copy of the course has its exercises.
        is_anonymous: whether ``user`` is a name for this assignment only, which means nothing to
            the platform's gradebook.
        instead: what was handed in that is no file of the learner's; empty for a file.
    """

    key: str
    name: str
    layout: str
    file: str
    login: str = ""
    user: str = ""
    late: bool = False
    upload: int = 0
    place: str = ""
    in_exercises: bool = False
    is_anonymous: bool = False
    instead: str = ""


LAYOUTS = ("canvas", "moodle", "github", "folder")


class Paths:
    """The paths of all files of an export, which together tell what its folders mean.

    A learner can name files and folders, too. So a path is read from the left, where only the
    platform writes, and repositories lie as deep as the least deep of them.

    Args:
        paths: names of folders (and zip files) and of the file, for each file.
        slug: the name of the GitHub Classroom assignment, when somebody says it.
    """

    def __init__(self, paths: Iterable[tuple[str, ...]], slug: str | None = None) -> None:
        paths = list(paths)
        folders = [path[:-1] for path in paths]
        self._top = _shared(folders)
        self._is_single = len(set(folders)) == 1
        self._slug = slug
        places = [_repository(path) for path in folders]
        self._depth = min((len(place) for place in places if place), default=0)
        self._repositories = {place for place in places if place and len(place) == self._depth}
        siblings: dict[tuple[str, ...], set[str]] = {}
        for place in self._repositories:
            siblings.setdefault(place[:-1], set()).add(place[-1])
        self._prefixes = {above: self._prefix(above, n) for above, n in siblings.items()}
        # Somebody may be called Anon. Canvas hides the names of all or of nobody.
        named = [part for path in paths for part in path if _CANVAS.match(part)]
        self._is_anonymous = all(_CANVAS_ANONYMOUS.match(part) for part in named)

    def owner(self, parts: tuple[str, ...], layout: str) -> Owner | None:
        """Who the file at ``parts`` belongs to in this layout, or None."""
        return getattr(self, f"_{layout}")(parts)

    def guess(self, parts: tuple[str, ...]) -> Owner | None:
        """Who it belongs to in the first layout that fits."""
        found = (self.owner(parts, layout) for layout in LAYOUTS)
        return next((owner for owner in found if owner is not None), None)

    def assignments(self) -> list[str]:
        """The GitHub Classroom assignments found, to tell the instructor."""
        return sorted({prefix[:-1] for prefix in self._prefixes.values() if prefix})

    def _canvas(self, parts: tuple[str, ...]) -> Owner | None:
        for number, part in enumerate(parts):
            is_file = number == len(parts) - 1
            if not (is_file or _is_zip(part)):
                continue
            inside = EXERCISES in parts[number + 1 : -1]
            if self._is_anonymous and (match := _CANVAS_ANONYMOUS.match(part)):
                return Owner(
                    f"canvas/anon/{match['user']}",
                    f"anonymous {match['user']}",
                    "canvas",
                    (match["file"] or match["written"]) if is_file else parts[-1],
                    user=match["user"],
                    late=match["late"] is not None,
                    upload=int((match["upload"] or "0")[:30]),
                    in_exercises=inside,
                    is_anonymous=True,
                    instead=NO_FILES.get(match["written"] or "", ""),
                )
            if is_file and (match := _CANVAS_WRITTEN.match(part)):
                name, file = match["name"], match["file"]
                return Owner(
                    f"canvas/{match['user']}", name, "canvas", file, user=match["user"],
                    late=match["late"] is not None, instead=NO_FILES[file.lower()],
                )  # fmt: skip
            if match := _CANVAS.match(part):
                return Owner(
                    f"canvas/{match['user']}",
                    match["name"],
                    "canvas",
                    match["file"] if is_file else parts[-1],
                    user=match["user"],
                    late=match["late"] is not None,
                    upload=int(match["upload"][:30]),
                    in_exercises=inside,
                )
        return None

    def _moodle(self, parts: tuple[str, ...]) -> Owner | None:
        for number, part in enumerate(parts):
            is_file = number == len(parts) - 1
            match = _MOODLE_FLAT.match(part) if is_file else _MOODLE.match(part)
            if match:
                user, name = match["user"] or "", match["name"].strip()
                return Owner(
                    f"moodle/{user}/{name}",
                    name,
                    "moodle",
                    match["file"] if is_file else parts[-1],
                    user=user,
                    in_exercises=EXERCISES in parts[number + 1 : -1],
                    instead=NO_FILES.get(match["kind"].lower(), ""),
                )
        return None

    def _github(self, parts: tuple[str, ...]) -> Owner | None:
        *folders, file = parts
        place = tuple(folders[: self._depth])
        prefix = self._prefixes.get(place[:-1]) if place in self._repositories else None
        if not prefix or not place[-1].startswith(prefix) or place[-1] == prefix:
            return None
        login = place[-1][len(prefix) :]
        return Owner(
            f"github/{login.casefold()}",
            login,
            "github",
            file,
            login=login,
            place="/".join(place),
            in_exercises=folders[self._depth : self._depth + 1] == [EXERCISES],
        )

    def _folder(self, parts: tuple[str, ...]) -> Owner | None:
        *folders, file = parts
        if len(folders) > self._top:
            name = folders[self._top]
        elif self._is_single and folders:
            # There is one learner: nothing tells which of the folders around the files is theirs.
            name = next((f for f in reversed(folders) if f != EXERCISES), folders[-1])
        else:
            return None
        name = name[:-4] if _is_zip(name) else name
        return Owner(
            f"folder/{name}",
            name,
            "folder",
            file,
            place="/".join(folders),
            in_exercises=EXERCISES in folders,
        )

    def _single(self, parts: tuple[str, ...]) -> Owner:
        return Owner(
            "single", "the learner", "single", parts[-1], in_exercises=EXERCISES in parts[:-1]
        )

    def _prefix(self, above: tuple[str, ...], names: set[str]) -> str | None:
        if self._slug:
            return f"{self._slug}-"
        # What ``gh classroom clone student-repos`` makes.
        if above and above[-1].endswith("-submissions"):
            prefix = above[-1].removesuffix("submissions")
            if all(name.startswith(prefix) for name in names):
                return prefix
        if len(names) < 2:
            return None
        first, last = min(names), max(names)
        length = next(
            (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
            min(len(first), len(last)),
        )
        return first[: first.rfind("-", 0, length) + 1] or None


def _shared(folders: list[tuple[str, ...]]) -> int:
    """How many leading folders all files share."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    count = 0
    for a, b in zip(first, last, strict=False):
        if a != b:
            break
        count += 1
    return count


def _repository(folders: tuple[str, ...]) -> tuple[str, ...]:
    """The folders down to the one that holds ``exercises/``; empty when there is none."""
    if EXERCISES not in folders[1:]:
        return ()
    return folders[: folders.index(EXERCISES, 1)]


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")

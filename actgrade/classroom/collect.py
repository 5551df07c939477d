"""From a folder of submissions to one row for each learner and chapter.

What a file is, its content says (:mod:`actgrade.recognise`); whose it is, its path. Every file ends
in one of three places: it is the submission of a row, it is named in ``not_graded`` with a reason,
or it is one of the many files that every repository has and that no exercise is read from, which
are counted. Whoever handed in anything is a learner, with or without a row.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from actbase.errors import CommandError
from actgrade.classroom.choice import Candidate, choose
from actgrade.classroom.layouts import EXERCISES, LAYOUTS, Owner, Paths
from actgrade.classroom.walk import Found, UnreadableError, Walk, find
from actgrade.course import Course
from actgrade.quote import quote
from actgrade.recognise import Recogniser, chapter_of_name, looks_like_work

NAMES = {"canvas": "Canvas", "moodle": "Moodle", "github": "GitHub Classroom", "folder": "folders",
         "single": "one learner"}  # fmt: skip


@dataclass(frozen=True)
class Learner:
    """A person, as far as the export tells.

    Attributes:
        key: unique, stable between runs; not shown.
        name, login, user: to show, harmless text.
        is_anonymous: whether ``user`` means nothing to the platform's gradebook.
        not_graded: (path, reason) of this learner's files that have no row.
    """

    key: str
    name: str
    login: str = ""
    user: str = ""
    is_anonymous: bool = False
    not_graded: tuple[tuple[str, str], ...] = ()


@dataclass
class Row:
    """One learner's submission for one chapter.

    Attributes:
        file: its path below the folder of submissions, harmless text.
        digest: SHA-256 of its bytes; empty when they could not be read.
        error: why it cannot be graded, or None.
        notes: what the instructor and the learner should know about the choice of this file.
        doubt: why the instructor should look at the choice, or empty.
    """

    learner: Learner
    chapter: str
    file: str
    digest: str
    read: Callable[[], bytes]
    late: bool = False
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    doubt: str = ""


@dataclass
class Collection:
    """What was found.

    Attributes:
        not_graded: (path, reason) of files that look like work but have no row.
        other_files: how many files no exercise is read from (a repository has many).
        remarks: sentences about the export as a whole.
    """

    layout: str
    learners: list[Learner]
    rows: list[Row]
    not_graded: list[tuple[str, str]]
    assignments: list[str]
    other_files: int = 0
    remarks: list[str] = field(default_factory=list)


def collect(
    root: Path,
    course: Course,
    *,
    chapters: Iterable[str] | None = None,
    layout: str = "auto",
    slug: str | None = None,
    zip_encoding: str | None = None,
    progress: Callable[[int], None] = lambda files: None,
) -> Collection:
    """Find all submissions below ``root``, a folder or a zip file.

    Args:
        chapters: only these; None for all that the course has.
        layout: one of :data:`~actgrade.classroom.layouts.LAYOUTS`, or ``auto`` for the one that
            most files have.
        slug: the name of the GitHub Classroom assignment.
        zip_encoding: of names in zip files that do not say theirs, such as ``gbk``.
        progress: called with the number of files read so far.

    Raises:
        CommandError: there is nothing there.
    """
    walk = Walk([], zip_encoding=zip_encoding)
    everything = list(find(root, walk))
    if not everything and not walk.problems:
        raise CommandError(f"{root} holds no files that could be submissions")
    works = _telling([file.parts for file in everything])
    paths = Paths(works, slug)
    if layout == "auto":
        layout = _layout_of(paths, works)
    sorter = _Sorter(root, course, layout, chapters, walk.ignored)
    sorter.lost([(tuple(path.split("/")), reason) for path, reason in walk.problems], paths)
    by_owner: dict[str, list[tuple[Found, Owner]]] = defaultdict(list)
    for file in everything:
        owner = paths.owner(file.parts, layout)
        if owner is not None:
            by_owner[owner.key].append((file, owner))
        elif looks_like_work(file.parts[-1]) and sorter.is_notebook(file):
            sorter.not_graded.append((_shown(file.name), _unknown(layout)))
        else:
            sorter.others += 1
    done = 0
    for files in by_owner.values():
        sorter.one_learner(files)
        done += len(files)
        progress(done)
    found = sorter.collection()
    found.assignments = [quote(n, 100) for n in paths.assignments()] if layout == "github" else []
    if walk.garbled:
        found.remarks.append(
            f"{walk.garbled} names in zip files do not say their encoding and may be garbled: name "
            "it with --zip-encoding, such as gbk, cp932 or cp1252"
        )
    if any(learner.is_anonymous for learner in found.learners):
        found.remarks.append(
            "the export is anonymous: Canvas's own ID is not in it, so the column ID is empty; the "
            "anonymous ones are in the column Identifier"
        )
    return found


def _telling(files: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The files that tell the layout: notebooks by their names, or what there is."""
    named = [parts for parts in files if ".ipynb" in parts[-1].lower()]
    return named or [parts for parts in files if looks_like_work(parts[-1])] or files


def _layout_of(paths: Paths, files: list[tuple[str, ...]]) -> str:
    guesses = Counter(owner.layout for owner in map(paths.guess, files) if owner)
    return max(LAYOUTS, key=lambda name: (guesses[name], -LAYOUTS.index(name)))


class _Sorter:
    """Puts the files of one learner after another in their places."""

    def __init__(
        self,
        root: Path,
        course: Course,
        layout: str,
        chapters: Iterable[str] | None,
        ignored: int,
    ) -> None:
        self._root = root
        self._course = course
        self._layout = layout
        self._wanted = set(course.chapter_names() if chapters is None else chapters)
        self._one = next(iter(self._wanted)) if chapters and len(self._wanted) == 1 else None
        self._recogniser = Recogniser(course)
        self._people: dict[str, Owner] = {}
        self._lost: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._rows: list[tuple[str, Row]] = []
        self.not_graded: list[tuple[str, str]] = []
        self.others = ignored

    def lost(self, problems: list[tuple[tuple[str, ...], str]], paths: Paths) -> None:
        """Files that could not even be read, and whose they would be."""
        for parts, reason in problems:
            shown = _shown("/".join(parts)) or self._root.name
            self.not_graded.append((shown, reason))
            owner = paths.owner(parts, self._layout)
            if owner is not None and owner.layout != "folder":
                self._people.setdefault(owner.key, owner)
                self._lost[owner.key].append((shown, reason))

    def is_notebook(self, file: Found) -> bool:
        """Whether a file is a notebook, or is called one."""
        if ".ipynb" in file.parts[-1].lower():
            return True
        try:
            return self._recogniser.look(file.read()).is_notebook
        except UnreadableError:
            return False

    def one_learner(self, files: list[tuple[Found, Owner]]) -> None:
        """All files of one learner."""
        key, owner = files[0][1].key, files[0][1]
        # Whoever has a copy of the course has many notebooks that are no exercises.
        inside = [(f, o) for f, o in files if o.in_exercises and looks_like_work(f.parts[-1])]
        outside = [(f, o) for f, o in files if not o.in_exercises]
        candidates = self._candidates(inside)
        if any(candidate.written for candidate in candidates):
            self._set_aside(outside)
        else:
            candidates += self._candidates(outside, is_copy=bool(inside))
        self.others += sum(o.in_exercises and not looks_like_work(f.parts[-1]) for f, o in files)
        if candidates or key in self._lost or self._layout != "github":
            self._people.setdefault(key, owner)
        by_chapter: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            by_chapter[candidate.chapter].append(candidate)
        for some in by_chapter.values():
            self._choose(some)

    def _set_aside(self, outside: list[tuple[Found, Owner]]) -> None:
        """Files beside an ``exercises/`` that has answers in it."""
        for file, owner in outside:
            depth = len(owner.place.split("/")) if owner.place else 0
            name = file.parts[-1].lower()
            if name.endswith(".ipynb") and len(file.parts) - 1 == depth:
                self._no_row(file, owner, f"is not in the folder {EXERCISES}/")
            else:
                self.others += 1

    def _candidates(
        self, files: list[tuple[Found, Owner]], is_copy: bool = False
    ) -> list[Candidate]:
        found = []
        for file, owner in files:
            candidate, reason = self._candidate(file, owner)
            if candidate is not None:
                found.append(candidate)
            elif reason is None or (is_copy and not owner.instead):
                self.others += 1
            else:
                self._no_row(file, owner, reason)
        return found

    def _candidate(self, file: Found, owner: Owner) -> tuple[Candidate | None, str | None]:
        """The file as a candidate of a chapter; else None and the reason, if it needs one."""
        if owner.instead:
            return None, f"is {owner.instead}"
        in_repository = self._layout == "github"
        is_called_notebook = ".ipynb" in file.parts[-1].lower()
        if in_repository and not looks_like_work(file.parts[-1]):
            return None, None
        try:
            data = file.read()
        except UnreadableError as problem:
            said = chapter_of_name(owner.file, self._course) or self._one
            if is_called_notebook and said in self._wanted:
                return Candidate(file, owner, said, "", (), str(problem), []), None
            return None, str(problem)
        look = self._recogniser.look(data, owner.file, self._one)
        if not look.is_notebook and not is_called_notebook:
            return None, None if in_repository else look.problem
        chapter = look.chapter or (self._one if is_called_notebook else None)
        if chapter is None:
            return None, look.problem
        if chapter not in self._wanted:
            reason = f"belongs to {chapter}, not asked for"
            return None, None if in_repository else reason
        if (look.problem or look.is_source) and in_repository and not owner.in_exercises:
            return None, None
        said, notes = chapter_of_name(owner.file, self._course), []
        if said not in (None, chapter):
            notes.append(f"its name says {said}, but it is the notebook of {chapter}")
        digest = hashlib.sha256(data).hexdigest()
        return Candidate(
            file, owner, chapter, digest, look.written, look.problem, notes, look.is_source
        ), None

    def _choose(self, some: list[Candidate]) -> None:
        """The row of one learner and chapter."""
        owner = some[0].owner
        some = [candidate for candidate in some if not candidate.is_source] or some
        written = [candidate for candidate in some if candidate.written] or some
        places = {candidate.owner.place for candidate in written}
        if owner.layout == "folder" and len(places) > 1 and len({c.digest for c in written}) > 1:
            for candidate in written:
                self._no_row(
                    candidate.found,
                    candidate.owner,
                    f"several folders below {quote(owner.name, 100)!r} have {candidate.chapter}: "
                    "which learner's is it? (name the folder that has one folder for each learner)",
                )
            return
        choice = choose(some)
        chosen = choice.chosen
        for candidate in some:
            if candidate.digest != chosen.digest or not chosen.digest:
                if candidate is chosen:
                    continue
                self.not_graded.append((
                    _shown(candidate.found.name),
                    f"another file of the same learner for {chosen.chapter} was graded: "
                    f"{_shown(chosen.found.name)}",
                ))  # fmt: skip
        row = Row(
            _learner(owner),
            chosen.chapter,
            _shown(chosen.found.name),
            chosen.digest,
            chosen.found.read,
            chosen.owner.late,
            chosen.error,
            [*chosen.notes, *choice.notes],
            choice.doubt,
        )
        self._rows.append((owner.key, row))

    def _no_row(self, file: Found, owner: Owner, reason: str) -> None:
        self.not_graded.append((_shown(file.name), reason))
        self._lost[owner.key].append((_shown(file.name), reason))

    def collection(self) -> Collection:
        """Everything that was found, in order."""
        learners = {
            key: _learner(owner, self._lost.get(key, ())) for key, owner in self._people.items()
        }
        rows = [row for _, row in self._rows]
        for key, row in self._rows:
            row.learner = learners[key]
        rows.sort(key=lambda row: (_order(row.learner), row.chapter))
        return Collection(
            self._layout,
            sorted(learners.values(), key=_order),
            rows,
            sorted(self.not_graded),
            [],
            self.others,
        )


def _learner(owner: Owner, lost: Iterable[tuple[str, str]] = ()) -> Learner:
    return Learner(
        owner.key,
        quote(owner.name, 120),
        quote(owner.login, 120),
        quote(owner.user, 40),
        owner.is_anonymous,
        tuple(sorted(lost)),
    )


def _order(learner: Learner) -> tuple[str, str]:
    return learner.name.casefold(), learner.key


def _shown(path: str) -> str:
    return quote(path, 300)


def _unknown(layout: str) -> str:
    return f"its path does not say whose it is (the other files come from {NAMES[layout]})"

"""Which chapter's exercises a notebook holds, by what is in it; and what it is when it holds none.

The metadata say it, unless a tool has lost them. Then the texts that the course wrote do (prompts,
checks), and after them the names that the answers define. The name of the file comes last.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from actbase.errors import CommandError
from actgrade.answers import Answer, Cell, asked_names, find_answers, is_written
from actgrade.course import Course
from actgrade.notebook_file import NotANotebookError, NotebookFile, mark_of, parse, source_of
from actgrade.source import Assignment

# What mail programs, browsers and platforms append to a name.
_ENDING = re.compile(r"(?:\.(?:ipynb|json|txt|html?))+$", re.IGNORECASE)
_COPY = re.compile(r"(?:-copy(?P<jupyter>\d{0,3})|\s*-\s*copy|\s+copy(?:\s+(?P<mac>\d{1,3}))?"
                   r"|-(?P<dash>\d{1,3})|\s*\((?P<bracket>\d{1,3})\))$", re.IGNORECASE)  # fmt: skip
_COPY_OF = re.compile(r"^(?:copy of|kopie von|copie de|copia de|kopia)\s+", re.IGNORECASE)
# As many of a chapter's cells make a notebook that chapter.
_SHARE_OF_A_CHAPTER = 0.3


@dataclass(frozen=True)
class Look:
    """What a file is.

    Attributes:
        chapter: the chapter whose exercises it holds; None when that cannot be told.
        problem: why it cannot be graded, continuing a sentence that begins with the file.
        written: questions whose answers are more than the stub.
        is_notebook: whether it is a notebook at all.
        is_source: whether it is the course's own notebook with the solutions, which is graded when
            an instructor tries the grader with it, and is nobody's answer beside another file.
    """

    chapter: str | None
    problem: str | None = None
    written: tuple[str, ...] = ()
    is_notebook: bool = True
    is_source: bool = False


class Recogniser:
    """Looks at notebooks for one course.

    Args:
        load: gives the chapter of a name; a faster way than the course's own, if there is one.
    """

    def __init__(self, course: Course, load: Callable[[str], Assignment] | None = None) -> None:
        self._course = course
        self._load = load or course.chapter
        self._texts: dict[str, frozenset[str]] = {}
        self._chapters: dict[str, frozenset[str]] | None = None

    def look(self, data: bytes, name: str = "", wanted: str | None = None) -> Look:
        """What the bytes of a file are.

        Args:
            name: of the file; its last resort.
            wanted: the chapter that somebody says it is.
        """
        try:
            notebook = parse(data)
        except NotANotebookError as reason:
            return Look(chapter_of_name(name, self._course), str(reason), is_notebook=False)
        return self.look_at(notebook, name, wanted)

    def look_at(self, notebook: NotebookFile, name: str = "", wanted: str | None = None) -> Look:
        """What a notebook is."""
        is_source = any(mark_of(cell).get("role") in ("held", "wrong") for cell in notebook.cells)
        found = self.chapter_of(notebook)
        said = found or wanted or chapter_of_name(name, self._course)
        if found is None and (itself := self._is_chapter(notebook)):
            problem = (
                f"is the chapter {itself} itself, not its exercises (exercises/{itself}.ipynb)"
            )
            return Look(said or itself, problem)
        if said is None:
            return Look(None, self._unknown(notebook))
        written = self._written(notebook, said)
        if written is None:
            return Look(said, f"has no answer cells of {said}; is it the notebook of that chapter?")
        return Look(said, written=written, is_source=is_source)

    def chapter_of(self, notebook: NotebookFile) -> str | None:
        """The chapter whose exercises a notebook holds, by its content; None when nothing tells."""
        names = self._course.chapter_names()
        if notebook.claimed_chapter in names:
            return notebook.claimed_chapter
        texts = {_words(text) for cell in notebook.cells if (text := source_of(cell))}
        shared = {name: len(texts & self._texts_of(name)) for name in names}
        if best := _best(shared):
            return best
        cells = [Cell(n, cell) for n, cell in enumerate(notebook.cells)]
        defined = frozenset().union(*(c.defined for c in cells if c.kind == "code"), frozenset())
        answered = {}
        for name in names:
            asked = [asked_names(question) for question in self._load(name).questions]
            count = sum(bool(a) and a <= defined for a in asked)
            answered[name] = count if 2 * count >= len(asked) else 0
        return _best(answered)

    def _texts_of(self, name: str) -> frozenset[str]:
        """What the course wrote into the exercises of a chapter, and into no other's."""
        if name not in self._texts:
            for each in self._course.chapter_names():
                chapter = self._load(each)
                self._texts[each] = frozenset(
                    _words(text)
                    for question in chapter.questions
                    for text in (*question.prompts, *(check.source for check in question.checks))
                )
        return self._texts[name]

    def _written(self, notebook: NotebookFile, name: str) -> tuple[str, ...] | None:
        """The questions with a written answer; None when there is not even a cell for one."""
        chapter = self._load(name)
        answers = find_answers(notebook.cells, chapter.questions)
        if all(a.source is None and a.problem == "its answer cell is missing"
               for a in answers.values()):  # fmt: skip
            return None
        return written_of(chapter, answers)

    def _is_chapter(self, notebook: NotebookFile) -> str | None:
        """The chapter of the book that this notebook is a copy of."""
        if self._chapters is None:
            self._chapters = {}
            for path in sorted((self._course.root / "notebooks").glob("*.ipynb")):
                with contextlib.suppress(OSError, NotANotebookError):
                    cells = parse(path.read_bytes()).cells
                    self._chapters[path.stem] = _paragraphs(cells)
        mine = _paragraphs(notebook.cells)
        for name, texts in self._chapters.items():
            if len(mine & texts) >= max(3, _SHARE_OF_A_CHAPTER * len(mine)):
                return name
        return None

    def _unknown(self, notebook: NotebookFile) -> str:
        claimed = notebook.claimed_chapter
        if claimed:
            return f"says that it belongs to {claimed}, which this course does not have"
        return "is a notebook of which neither the content nor the name says which chapter it is"


def written_of(chapter: Assignment, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The questions whose answer is more than the released stub."""
    return tuple(
        question.id
        for question in chapter.questions
        if answers[question.id].verdict == "error"
        or is_written(question, answers[question.id].source or "")
    )


def stem_of(name: str) -> str:
    """A file's name without what was appended to it, in one form of Unicode."""
    return _ENDING.sub("", unicodedata.normalize("NFC", name)).strip()


def copy_number(stem: str) -> tuple[str, int]:
    """A stem without the number that platforms and browsers add to a second copy, and it."""
    match = _COPY.search(stem)
    if not match:
        return stem, 0
    number = next((n for n in match.groups() if n), "1")
    return stem[: match.start()], int(number)


def chapter_of_name(name: str, course: Course) -> str | None:
    """The chapter that a file's name means, whatever a platform or the learner added to it."""
    stem = _COPY_OF.sub("", stem_of(name))
    while (shorter := copy_number(stem)[0]) != stem:
        stem = shorter
    with contextlib.suppress(CommandError):
        return course.resolve(stem)
    low = re.sub(r"[\s-]+", "_", stem.casefold())
    inside = [chapter for chapter in course.chapter_names() if chapter.casefold() in low]
    return inside[0] if len(inside) == 1 else None


def looks_like_work(name: str) -> bool:
    """Whether a file of this name may be a notebook; only its content can tell."""
    low = name.lower()
    return ".ipynb" in low or Path(low).suffix in (".json", ".txt", "")


def _best(scores: Mapping[str, int]) -> str | None:
    most = max(scores.values(), default=0)
    first = [name for name, score in scores.items() if score == most]
    return first[0] if most and len(first) == 1 else None


def _words(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(cells: list) -> frozenset[str]:
    return frozenset(words for cell in cells if len(words := _words(source_of(cell) or "")) > 30)

"""Which of several files of one learner is graded.

What was written decides first: an untouched copy, an empty file or the chapter itself never takes
the place of answers. Then what the platform says (a later upload), then the place that the course
names, then how much was written and the number of a copy. Times of files decide nothing: a clone, a
download and an unpacking each make their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actgrade.classroom.layouts import Owner
from actgrade.classroom.walk import Found
from actgrade.quote import quote
from actgrade.recognise import copy_number, stem_of


@dataclass
class Candidate:
    """A file that may be the submission for a chapter.

    Attributes:
        digest: SHA-256 of its bytes; empty when they could not be read.
        written: questions with an answer that is more than the stub.
        error: why it cannot be graded, or None.
        notes: what is to be said about it.
        is_source: whether it is the course's own notebook with the solutions.
    """

    found: Found
    owner: Owner
    chapter: str
    digest: str
    written: tuple[str, ...]
    error: str | None
    notes: list[str]
    is_source: bool = False

    @property
    def shown(self) -> str:
        """Its name, harmless."""
        return quote(self.found.parts[-1], 200)

    @property
    def is_course_text(self) -> bool:
        """Whether it is the course's own: nobody's attempt at an answer."""
        return (self.error or "").startswith("is the chapter")


@dataclass
class Choice:
    """The file that is graded.

    Attributes:
        notes: for the learner and the instructor.
        doubt: why the instructor should look at it, or empty.
    """

    chosen: Candidate
    notes: list[str] = field(default_factory=list)
    doubt: str = ""


def choose(some: list[Candidate]) -> Choice:
    """The choice among candidates of one learner and chapter, at least one."""
    some = [c for c in some if not c.is_source] or some
    ranked = sorted(some, key=_rank)
    best = ranked[-1]
    others = [c for c in ranked[:-1] if not c.digest or c.digest != best.digest]
    if not others:
        count = len(some)
        same = [f"handed in {count} times without a change"] if count > 1 else []
        doubt = "it is the course's own notebook with the solutions" if best.is_source else ""
        return Choice(best, same, doubt)
    same_name = any(c.shown == best.shown for c in others)
    if same_name:  # they differ by their folders
        listed = ", ".join(quote(c.found.name, 200) for c in others)
        taken = quote(best.found.name, 200)
    else:
        listed, taken = ", ".join(dict.fromkeys(c.shown for c in others)), best.shown
    rivals = [c for c in others if c.written]
    newer = [c for c in others if c.owner.upload > best.owner.upload]
    if not rivals:
        doubt = ""
        if newer:
            doubt = f"the newest of {len(some)} files ({newer[-1].shown}) {_why_not(newer[-1])}"
        elif best.written and not all(c.is_course_text for c in others):
            doubt = f"{listed} {'have' if len(others) > 1 else 'has'} no answers in it"
        note = f"graded instead of {listed}, in which no answers are written"
        return Choice(best, [note], f"{doubt}; {taken} was graded" if doubt else "")
    if all(c.owner.upload < best.owner.upload for c in others):
        note = f"the newest of {len(some)} files, graded instead of {listed}"
        more = [c for c in rivals if len(c.written) > len(best.written)]
        doubt = ""
        if more:
            doubt = (
                f"the newest file, {best.shown}, has fewer answers ({len(best.written)}) than "
                f"{more[-1].shown} ({len(more[-1].written)}); the newest was graded"
            )
        return Choice(best, [note], doubt)
    note = (
        f"nothing tells which of {len(some)} files is the newest; this one was taken instead of "
        f"{listed}"
    )
    return Choice(best, [note], f"{taken}: {note}")


def _why_not(candidate: Candidate) -> str:
    return candidate.error or "has no answers in it"


def _rank(candidate: Candidate) -> tuple:
    """Larger for what is rather graded."""
    stem = stem_of(candidate.owner.file)
    return (
        bool(candidate.written),
        candidate.error is None,
        candidate.owner.upload,
        candidate.owner.in_exercises,
        candidate.owner.in_exercises and stem == candidate.chapter,
        len(candidate.written),
        copy_number(stem)[1],
        candidate.found.name,
    )

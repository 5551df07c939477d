"""One run of 'actlab watch': what happens on a save and on a key."""

from __future__ import annotations

from collections.abc import Collection

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import hints, source_cache, wording
from actgrade.learner.keyboard import Keyboard
from actgrade.learner.regrade import Regrader
from actgrade.learner.reset import reset
from actgrade.learner.screen import Screen, View
from actgrade.learner.standing import Standing, copies, exercise, first_open, stand
from actgrade.learner.state import State, Store
from actgrade.learner.target import current
from actgrade.learner.watched import POLL_SECONDS, Watched
from actgrade.results import QuestionResult
from actgrade.sandbox.confinement import ISOLATED
from actgrade.source import Assignment
from actgrade.submission import Submission, read_submission


class WatchSession:
    """Watches the notebooks of the chapters ``names`` until q is pressed."""

    def __init__(
        self, course: Course, names: list[str], store: Store, screen: Screen, keyboard: Keyboard
    ) -> None:
        self._course = course
        self._names = names
        self._store = store
        self._screen = screen
        self._keyboard = keyboard
        self._regrader = Regrader(course, store)
        self._files = Watched(
            {name: course.exercises / f"{name}.ipynb" for name in names}, lambda: copies(course)
        )
        self._said_isolation = False
        self._said: set[tuple[str, str, str]] = set()
        self._keys = {
            "n": self._next,
            "h": self._hint,
            "l": self._list,
            "c": self._check_all,
            "r": self._rerun,
            "x": self._reset,
        }

    def run(self) -> None:
        """Grade what changed since the last run, then wait for saves and keys."""
        self._start()
        while True:
            key = self._keyboard.wait(POLL_SECONDS)
            if key == "q":
                return
            if key in self._keys:
                try:
                    self._keys[key]()
                except CommandError as error:
                    self._screen.note(str(error))
                    self._show()
            for name in self._files.changed():
                self._saved(name)

    def close(self) -> None:
        """End the grader's processes."""
        self._regrader.close()

    # Where the learner is --------------------------------------------------------------------

    def _start(self) -> None:
        state = self._store.read()
        place = state.current if state.current and state.current[0] in self._names else None
        if place is None and len(self._names) > 1:
            place = current(self._course, State(None, state.chapters))
        name, self._question = place if place and place[0] in self._names else (self._names[0], "")
        self._chapter = source_cache.load(self._course, name)
        ids = [question.id for question in self._chapter.questions]
        chosen = self._question in ids
        if not chosen:
            self._question = ids[0]
        if not self._screen.is_live:
            watched = ", ".join(
                self._course.relative(exercise(self._course, name)) for name in self._names
            )
            keys = "" if self._keyboard.has_keys else " (Ctrl-C ends it)"
            self._screen.draw(self._view([f"Watching {watched}{keys}."]))
        try:
            submission, standings = self._read(self._chapter)
        except CommandError as error:
            self._screen.note(f"{error}; waiting for the next save")
            self._regrader.warm_up(self._chapter)
            return self._show()
        first = first_open(standings)
        if not chosen and first is not None:
            self._question = first.question.id
        # The current one always: its verdict is what you want to see first, and with it the
        # grader is warm for the next save.
        due = {s.question.id for s in standings if s.is_due} | {self._question}
        self._grade(self._chapter, submission, due)
        return self._show()

    def _read(self, chapter: Assignment) -> tuple[Submission, list[Standing]]:
        submission = read_submission(exercise(self._course, chapter.name), chapter)
        records = self._store.read().records(chapter.name)
        return submission, stand(chapter, submission, records)

    def _go(self, chapter: Assignment, question: str) -> None:
        """Move to another question, and remember that."""
        self._chapter, self._question = chapter, question

        def change(state: State) -> None:
            state.current = (chapter.name, question)

        self._store.update(change)

    def _view(self, text: list[str]) -> View:
        try:
            _, standings = self._read(self._chapter)
        except CommandError:
            # The notebook is being written; show what is remembered.
            records = self._store.read().records(self._chapter.name)
            standings = [
                Standing(q, records[q.id].key, False, records[q.id])
                if q.id in records
                else Standing(q, "", True, State().record("", q.id))
                for q in self._chapter.questions
            ]
        notebook = self._course.relative(exercise(self._course, self._chapter.name))
        return View(self._chapter, standings, self._question, notebook, text)

    def _show(self, *text: str) -> None:
        self._screen.draw(self._view(list(text)))

    # A save ------------------------------------------------------------------------------------

    def _saved(self, name: str) -> None:
        seen = self._files.look(name)
        try:
            chapter = source_cache.load(self._course, name)
            submission, standings = self._read(chapter)
        except CommandError as error:
            if self._files.is_stuck(name, seen):
                self._files.settle(name, seen)
                self._screen.note(f"{error}; waiting for the next save")
                if self._screen.is_live:
                    self._show()
            return
        self._files.settle(name, seen)
        due = [standing.question.id for standing in standings if standing.is_due]
        if not due:
            if name == self._chapter.name and self._screen.is_live:
                self._show("Saved; no answer changed.")
            return
        results = self._grade(chapter, submission, due)
        lost = [result for result in results if result.points < result.maximum]
        self._go(chapter, (lost or results)[0].id)
        self._show(*self._after(chapter, results))

    def _after(self, chapter: Assignment, results: list[QuestionResult]) -> list[str]:
        """What to say besides the verdict."""
        if any(result.points < result.maximum for result in results):
            if len(results) == 1 or not self._screen.is_live:
                return []
            return ["\n".join(wording.question_lines(self._view([]).standings, self._question))]
        name = results[-1].id
        text = f"Full points. The course's own answer: actlab solution {chapter.name} {name}"
        standing = first_open(self._view([]).standings, after=name)
        if standing is None:
            return [text, f"Every question of {chapter.name} has full points."]
        if not self._keyboard.has_keys:
            return [text]
        return [text, f"Press n for {standing.question.id}, {standing.question.title}."]

    def _grade(
        self, chapter: Assignment, submission: Submission, wanted: Collection[str]
    ) -> list[QuestionResult]:
        self._say_notes(chapter, submission, wanted)
        count = len(wanted)
        what = f"grading {next(iter(wanted))}" if count == 1 else f"grading {count} questions"
        self._keyboard.is_busy = True
        try:
            with self._screen.grading(what, count) as step:

                def progress(result: QuestionResult) -> None:
                    step("")
                    self._screen.result(chapter, result)

                results = self._regrader.grade(chapter, submission, wanted, progress)
        finally:
            self._keyboard.is_busy = False
        isolation = self._regrader.isolation
        if not self._said_isolation and isolation not in (None, ISOLATED):
            self._said_isolation = True
            reason = str(isolation).removeprefix("none: ")
            self._screen.note(f"not isolated: {reason}")
        return results

    def _say_notes(
        self, chapter: Assignment, submission: Submission, wanted: Collection[str]
    ) -> None:
        """Where an answer was found, and what was left out of it; once."""
        for question in chapter.questions:
            note = submission.answers[question.id].note
            said = (chapter.name, question.id, note or "")
            if note and question.id in wanted and said not in self._said:
                self._said.add(said)
                self._screen.note(f"{question.id}: {note}")

    # The keys ----------------------------------------------------------------------------------

    def _next(self) -> None:
        _, standings = self._read(self._chapter)
        standing = first_open(standings, after=self._question)
        if standing is not None:
            alone = standing.question.id == self._question
            self._go(self._chapter, standing.question.id)
            return self._show(*["It is the last one with something left to do."] * alone)
        start = self._names.index(self._chapter.name) + 1
        for name in (*self._names[start:], *self._names[: start - 1]):
            chapter = source_cache.load(self._course, name)
            standing = first_open(self._read(chapter)[1])
            if standing is not None:
                self._go(chapter, standing.question.id)
                self._regrader.warm_up(chapter)
                return self._show()
        where = "this chapter" if len(self._names) == 1 else "every chapter"
        return self._show(f"You have full points in {where}.")

    def _hint(self) -> None:
        question = self._chapter.question(self._question)
        number = hints.next_hint(self._store, self._chapter, question)
        if number is not None:
            return self._show(hints.text(self._chapter, question, number))
        had = [hints.text(self._chapter, question, n + 1) for n in range(len(question.hints))]
        last = hints.no_more(self._chapter, question)
        return self._show(*had, f"{last[0].upper()}{last[1:]}.")

    def _list(self) -> None:
        text = wording.question_lines(self._view([]).standings, self._question)
        for name in self._names:
            if name != self._chapter.name:
                chapter = source_cache.load(self._course, name)
                got, most = wording.chapter_score(self._read(chapter)[1])
                text.append(f"  {name} {wording.points(got, most):>7}  {chapter.title}")
        self._show("\n".join(text))

    def _check_all(self) -> None:
        got = most = 0.0
        for name in self._names:
            chapter = source_cache.load(self._course, name)
            submission, standings = self._read(chapter)
            written = [s.question.id for s in standings if not s.is_stub]
            if written:
                self._grade(chapter, submission, written)
            more = wording.chapter_score(self._read(chapter)[1])
            got, most = got + more[0], most + more[1]
        lines = wording.question_lines(self._view([]).standings, self._question)
        self._show("\n".join(lines), f"Checked every answer: {got:g} of {most:g} points.")

    def _rerun(self) -> None:
        submission, _ = self._read(self._chapter)
        self._grade(self._chapter, submission, {self._question})
        self._show()

    def _reset(self) -> None:
        self._show(
            f"Put the stub of {self._question} back? What you wrote is kept. "
            "y yes, any other key no"
        )
        key = None
        while key is None:
            key = self._keyboard.wait(POLL_SECONDS)
        if key != "y":
            return self._show("Nothing was changed.")
        question = self._chapter.question(self._question)
        return self._show(reset(self._course, self._chapter, question))

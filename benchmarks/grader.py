"""How long graders take for the same three questions: this course's, nbval, otter and nbgrader.

One notebook (ours warm, as in 'actlab watch'; the others as their commands start), then a class of
twenty, each grader between two runs of ours. CPU seconds count the whole tree of processes, and say
more than wall time on a busy machine. otter-grader and nbgrader run in environments of their own,
which --setup creates; what is not installed is skipped, and said. This is a measurement and not a
test: nothing here fails because a number is large.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

VERSIONS = {"otter": "otter-grader==7.0.0", "nbgrader": "nbgrader==0.9.6"}
DEFAULT = Path(tempfile.gettempdir()) / "actlab-grader-benchmark"
CHAPTER = "90_benchmark"


@dataclass(frozen=True)
class Question:
    """One question in the two forms that graders have: values to print, and assertions."""

    name: str
    answer: str
    shown: str
    printed: str
    asserted: str
    wrong: tuple[str, ...]


QUESTIONS = (
    Question(
        "q1",
        "def relu(x):\n    return np.where(x > 0, x, 0.0)",
        "show(y=relu(np.array([-1.0, 2.0])))",
        "y: float (2,) [0.0 2.0]\n",
        "assert np.allclose(relu(np.array([-1.0, 2.0])), [0, 2])",
        tuple(f"def relu(x):\n    return {text}" for text in ("x", "-x", "abs(x)", "x > 0")),
    ),
    Question(
        "q2",
        "def leaky(x, slope=0.1):\n    return np.where(x > 0, x, slope * x)",
        "show(y=leaky(np.array([-1.0, 2.0])))",
        "y: float (2,) [-0.1 2.0]\n",
        "assert np.allclose(leaky(np.array([-1.0, 2.0])), [-0.1, 2])",
        tuple(f"def leaky(x, slope=0):\n    return {text}" for text in ("x", "-x", "0*x", "1")),
    ),
    Question(
        "q3",
        "def softplus(x):\n    return np.logaddexp(x, 0.0)",
        "show(y=softplus(np.array([0.0])), digits=6)",
        "y: float (1,) to 6 digits [0.693147]\n",
        "assert np.allclose(softplus(np.array([0.0])), [0.693147])",
        tuple(f"def softplus(x):\n    return {text}" for text in ("x", "-x", "np.exp(x)", "0*x")),
    ),
)  # fmt: skip
HELD = "x = np.random.default_rng(SEED).normal(size=50)\nshow(x=x, y={function}(x))"
KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}
SETUP = "import numpy as np\n\nfrom actgrade.exercise import show\n\nSEED = 0"


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds on the clock, and of processors."""

    wall: float
    cpu: float


def measured(command: list[str | Path], folder: Path, **environment: str) -> Cost:
    """Run ``command`` and measure it and all processes that it waited for.

    Python keeps its bytecode, as on a learner's machine: what comes from an installer has it
    already, and a checkout of this course would be compiled anew in every run.
    """
    variables = {**os.environ, **environment}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise RuntimeError(
            f"{command[0]} ended with {process.returncode}:\n{process.stderr[-2000:]}"
        )
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu)


class Ours:
    """This course's grader: a class of one chapter."""

    name = "actlab"

    def __init__(self, folder: Path, submissions: int) -> None:
        self.folder = folder
        for name in ("solutions", "exercises", "submissions"):
            (folder / name).mkdir(parents=True)
        nbformat.write(_source(), folder / "solutions" / f"{CHAPTER}.ipynb")
        self.one = folder / "one.ipynb"
        for number in range(submissions):
            name = f"learner_{number + 1}_{number + 1}_{CHAPTER}.ipynb"
            nbformat.write(_submission(number), folder / "submissions" / name)
        nbformat.write(_submission(-1), self.one)

    def single(self) -> Cost:
        """One notebook in a process that has graded before, as in ``actlab watch``."""
        said = subprocess.run(
            [sys.executable, __file__, "--warm", self.folder, self.one],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        return Cost(*json.loads(said.splitlines()[-1]))

    def cold(self) -> Cost:
        """One notebook by the command, from nothing."""
        return measured(
            [sys.executable, "-m", "actlab", "grade", self.one, "--course", self.folder],
            self.folder,
        )

    def all(self) -> Cost:
        """The class, by the command, from nothing."""
        out = self.folder / "grades"
        shutil.rmtree(out, ignore_errors=True)
        return measured(
            [
                *(sys.executable, "-m", "actlab", "class", "grade", self.folder / "submissions"),
                *("--out", out, "--course", self.folder, "--key", self.folder / "class.key"),
            ],
            self.folder,
        )


def _source() -> nbformat.NotebookNode:
    def mark(cell: nbformat.NotebookNode, role: str, **more: object) -> nbformat.NotebookNode:
        cell.metadata["actlab"] = {"role": role, **more}
        return cell

    cells = [mark(new_code_cell(SETUP), "setup")]
    for q in QUESTIONS:
        name = {"question": q.name}
        check = new_code_cell(q.shown, execution_count=1)
        check.outputs = [new_output("stream", name="stdout", text=q.printed)]
        function = q.answer.split("(")[0].removeprefix("def ")
        held = new_code_cell(HELD.format(function=function))
        cells += [
            mark(new_markdown_cell(f"## {q.name}"), "prompt", title=q.name, **name),
            mark(new_code_cell(q.answer), "answer", **name),
            mark(check, "check", **name),
            mark(held, "held", points=1, **name),
            *(mark(new_raw_cell(w), "wrong", because="It is wrong.", **name) for w in q.wrong),
            *(mark(new_markdown_cell(f"Hint {n}."), "hint", **name) for n in range(3)),
        ]
    return new_notebook(
        cells=cells, metadata={"actlab": {"chapter": CHAPTER, "title": "Benchmark"}}
    )


def _submission(number: int) -> nbformat.NotebookNode:
    cells = [new_code_cell(f"{q.answer}  # {number}", id=f"answer-{q.name}") for q in QUESTIONS]
    return new_notebook(cells=cells, metadata={"actlab": {"chapter": CHAPTER}})


def warm(folder: Path, notebook: Path) -> None:
    """In a process of its own: grade once to warm up, then print the median of five gradings."""
    from actgrade.course import Course
    from actgrade.grade import grade
    from actgrade.sandbox.launcher import Launcher

    def cpu() -> float:
        own, others = (
            resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return sum(u.ru_utime + u.ru_stime for u in (own, others))

    course, walls = Course.find(folder), []
    with Launcher(("numpy",)) as launcher:
        assert grade([notebook], course, launcher=launcher).notebooks[0].is_full
        start = cpu()
        for _ in range(5):
            begun = time.perf_counter()
            grade([notebook], course, launcher=launcher)
            walls.append(time.perf_counter() - begun)
    # The kernels' share arrives when the fork server ends, and its start with it: an upper bound.
    print(json.dumps([statistics.median(walls), (cpu() - start) / 5]))


class Nbval:
    """Stock nbval: a pytest process for each notebook."""

    name = "nbval"

    def __init__(self, folder: Path, submissions: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.files = []
        for number in range(submissions):
            cells = [new_code_cell(SETUP, execution_count=1)]
            for count, q in enumerate(QUESTIONS):
                check = new_code_cell(q.shown, execution_count=2 * count + 3)
                check.outputs = [new_output("stream", name="stdout", text=q.printed)]
                cells += [new_code_cell(q.answer, execution_count=2 * count + 2), check]
            self.files.append(folder / f"{number}.ipynb")
            nbformat.write(new_notebook(cells=cells), self.files[-1])

    def _one(self, path: Path) -> Cost:
        return measured(
            [
                *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", path),
                *("-c", os.devnull, "--rootdir", self.folder, "-p", "no:cacheprovider"),
            ],
            self.folder,
        )

    def single(self) -> Cost:
        """One notebook."""
        return self._one(self.files[0])

    def all(self) -> Cost:
        """One after another."""
        return _sum(self._one(path) for path in self.files)


class Otter:
    """otter run, without a container."""

    name = "otter"

    def __init__(self, folder: Path, submissions: int, environment: Path) -> None:
        self.folder, self.otter = folder, environment / "bin" / "otter"
        folder.mkdir(parents=True)
        settings = "# ASSIGNMENT CONFIG\nname: bench\nrun_tests: false\nexport_cell: false\n"
        settings += "check_all_cell: false\ngenerate: {pdf: false}\nsolutions_pdf: false"
        cells = [new_raw_cell(settings), new_code_cell("import numpy as np")]
        for q in QUESTIONS:
            cells += [
                new_raw_cell(f"# BEGIN QUESTION\nname: {q.name}\npoints: 1"),
                new_markdown_cell(f"## {q.name}"),
                new_raw_cell("# BEGIN SOLUTION"),
                new_code_cell(q.answer),
                new_raw_cell("# END SOLUTION"),
                new_raw_cell("# BEGIN TESTS"),
                new_code_cell(q.asserted),
                new_raw_cell("# END TESTS"),
                new_raw_cell("# END QUESTION"),
            ]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "bench.ipynb")
        measured([self.otter, "assign", "bench.ipynb", "dist"], folder, PATH=self._path())
        self.zip = next((folder / "dist" / "autograder").glob("*.zip"))
        solved = folder / "dist" / "autograder" / "bench.ipynb"
        (folder / "out").mkdir()
        self.files = [folder / f"{number}.ipynb" for number in range(submissions)]
        for path in self.files:
            shutil.copy(solved, path)

    def _path(self) -> str:
        return f"{self.otter.parent}{os.pathsep}{os.environ['PATH']}"

    def _one(self, path: Path) -> Cost:
        command = [self.otter, "run", "-a", self.zip, "-o", self.folder / "out", path]
        return measured(command, self.folder, PATH=self._path())

    def single(self) -> Cost:
        """One notebook."""
        cost = self._one(self.files[0])
        results = json.loads((self.folder / "out" / "results.json").read_text())
        points = sum(test.get("score", 0) for test in results["tests"])
        if points != len(QUESTIONS):
            raise RuntimeError(f"otter gave {points} points to the solution")
        return cost

    def all(self) -> Cost:
        """One after another."""
        return _sum(self._one(path) for path in self.files)


class Nbgrader:
    """nbgrader autograde."""

    name = "nbgrader"

    def __init__(self, folder: Path, submissions: int, environment: Path) -> None:
        self.folder, self.nbgrader = folder, environment / "bin" / "nbgrader"
        cells = [new_code_cell("import numpy as np")]
        for q in QUESTIONS:
            common = {"schema_version": 3, "task": False, "locked": False}
            answer = new_code_cell(f"### BEGIN SOLUTION\n{q.answer}\n### END SOLUTION")
            answer.metadata["nbgrader"] = {
                **common, "grade": False, "solution": True, "grade_id": q.name
            }  # fmt: skip
            test = new_code_cell(q.asserted)
            test.metadata["nbgrader"] = {
                **common, "grade": True, "locked": True, "points": 1, "solution": False,
                "grade_id": f"test-{q.name}",
            }  # fmt: skip
            cells += [answer, test]
        source = folder / "source" / "ps1" / "bench.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), source)
        self._run("generate_assignment", "ps1", "--force")
        for number in range(submissions):
            place = folder / "submitted" / f"learner{number:02d}" / "ps1"
            place.mkdir(parents=True)
            shutil.copy(source, place / "bench.ipynb")

    def _run(self, *arguments: str) -> Cost:
        path = f"{self.nbgrader.parent}{os.pathsep}{os.environ['PATH']}"
        return measured([self.nbgrader, *arguments], self.folder, PATH=path)

    def single(self) -> Cost:
        """One notebook."""
        return self._run("autograde", "ps1", "--student", "learner00", "--force", "--create")

    def all(self) -> Cost:
        """All, in one command."""
        return self._run("autograde", "ps1", "--force", "--create")


def _sum(costs: object) -> Cost:
    costs = list(costs)  # type: ignore[call-overload]
    return Cost(sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))


def setup(environments: Path) -> None:
    """Create the environments of otter and nbgrader that are missing."""
    for name, requirement in VERSIONS.items():
        folder = environments / name
        if (folder / "bin" / name).exists():
            continue
        print(f"creating {folder} with {requirement} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        needed = [requirement, "numpy", "ipykernel"]
        subprocess.run([folder / "bin" / "pip", "install", "-q", *needed], check=True)


def graders(folder: Path, submissions: int, environments: Path) -> list:
    """Every grader that is installed, with its files made."""
    found: list = [Ours(folder / "actlab", submissions), Nbval(folder / "nbval", submissions)]
    for kind in (Otter, Nbgrader):
        environment = environments / kind.name
        if not (environment / "bin" / kind.name).exists():
            print(
                f"{kind.name}: not in {environment}; --setup installs {VERSIONS[kind.name]} there"
            )
            continue
        try:
            found.append(kind(folder / kind.name, submissions, environment))
        except (RuntimeError, OSError, StopIteration) as error:
            print(f"{kind.name}: skipped, it could not make its files: {error}")
    return found


def median(measure: Callable[[], Cost], repeats: int) -> Cost:
    """The median of wall and CPU seconds, each by itself."""
    return median_of([measure() for _ in range(repeats)])


def median_of(costs: list[Cost]) -> Cost:
    """The median of wall and CPU seconds, each by itself."""
    return Cost(
        statistics.median(cost.wall for cost in costs), statistics.median(c.cpu for c in costs)
    )


def main() -> int:
    """Measure and print; 0 unless something could not run."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example: python benchmarks/grader.py --setup --submissions 20",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--setup", action="store_true", help="install otter and nbgrader first")
    parser.add_argument(
        "--environments", type=Path, default=DEFAULT, metavar="DIR", help=f"where ({DEFAULT})"
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of one notebook (3)")
    parser.add_argument("--submissions", type=int, default=20, metavar="N", help="of a class (20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE too")
    parser.add_argument("--warm", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.warm:
        warm(*arguments.warm)
        return 0
    if arguments.setup:
        setup(arguments.environments)
    with tempfile.TemporaryDirectory(prefix="actlab-grader-") as folder:
        costs = measure(Path(folder), arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(folder: Path, arguments: argparse.Namespace) -> dict:
    """All numbers, printed as they come."""
    load = "load " + " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {load}"
    )
    print(f"{'':24}{'wall s':>9}{'CPU s':>9}")
    one, many = {}, {}
    found = graders(folder, arguments.submissions, arguments.environments)

    def show(label: str, cost: Cost) -> None:
        print(f"{label:24}{cost.wall:9.2f}{cost.cpu:9.2f}", flush=True)

    for grader in list(found):
        try:
            one[grader.name] = median(grader.single, arguments.repeats)
        except RuntimeError as error:
            print(f"{grader.name}: skipped, {error}")
            found.remove(grader)
            continue
        how = " (warm)" if grader.name == "actlab" else ""
        show(f"{grader.name}, one{how}", one[grader.name])
        if grader.name == "actlab":
            show("actlab, one (cold)", median(grader.cold, arguments.repeats))
    # A shared machine is faster in one minute than in the next: each is between two runs of ours.
    ours, *others = found
    between = [ours.all()]
    for grader in others:
        many[grader.name] = grader.all()
        between.append(ours.all())
        show(f"{grader.name}, {arguments.submissions}", many[grader.name])
    many[ours.name] = median_of(between)
    show(f"{ours.name}, {arguments.submissions}", many[ours.name])
    for grader, before, after in zip(others, between, between[1:], strict=False):
        single = one[grader.name].wall / one[ours.name].wall
        several = 2 * many[grader.name].cpu / (before.cpu + after.cpu)
        print(
            f"{grader.name} takes {single:.1f} times as long for one, and {several:.1f} times the "
            f"CPU seconds for {arguments.submissions}"
        )
    return {
        "load": os.getloadavg(),
        "one": {name: vars(cost) for name, cost in one.items()},
        "many": {name: vars(cost) for name, cost in many.items()},
        "submissions": arguments.submissions,
    }


if __name__ == "__main__":
    sys.exit(main())

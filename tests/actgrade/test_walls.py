"""A module that a question forbids is not there: no way leads to it, on either engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grading_sample
import nbformat
import pytest
from grading_sample import QUICK

from actgrade.course import Course
from actgrade.grade import grade
from actgrade.preload import preload_for
from actgrade.sandbox import confinement
from actgrade.sandbox.launcher import MOST_SERVERS, Launcher
from actgrade.sandbox.places import files_of_module, is_module, without
from actgrade.trial import Trial, TrialCell
from actgrade.verify import handed_in
from actgrade.walls import Walls, walls_of

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(ROOT)
FORBID = ("scipy", "torch", "statistics", "actlab.functions")
ABSENT = ("actlab", "scipy", "statistics", "torch")
SETUP = "import sys\nimport numpy as np\nx = np.linspace(-2, 2, 5)\n"

isolated = pytest.mark.skipif(confinement.missing() is not None, reason="no sandbox here")

# Each would end without an exception if it reached what it looks for.
WITHOUT_FINDER = "sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != 'Absent']\n"
IN_A_MODULE = """\
from pathlib import Path
Path('mine.py').write_text({text!r})
sys.path.insert(0, '.')
import mine
mine.found
"""
FIND_FILE = """\
import glob, os
places = [f for p in sys.path for f in glob.glob(os.path.join(p, {pattern!r}))]
"""
WAYS = {
    "import": "import scipy.special",
    "from": "from scipy.special import erf",
    "__import__": "__import__('sci' + 'py').__version__",
    "importlib": "import importlib\nimportlib.import_module('sci' + 'py.special').erf",
    "importlib.__import__": "import importlib\nimportlib.__import__('sci' + 'py').__version__",
    "bootstrap": "import importlib\nimportlib._bootstrap._gcd_import('sci' + 'py.special').erf",
    "attribute of a module": "from actlab.training import torch\ntorch.erf",
    "the catalogue": "import actlab.properties\nactlab.properties.get('gelu').forward(x)",
    "the catalogue's module": "from actlab.palette import PALETTE",
    "resolve_name": "import pkgutil\npkgutil.resolve_name('scipy.special:erf')(x)",
    "runpy": "import runpy\nrunpy.run_module('statistics')['NormalDist']",
    "pickle": "import pickle\npickle.loads(b'cscipy.special\\nerf\\n.')(x)",
    "an import kept by a library": "import logging.config\n"
    "logging.config.BaseConfigurator({}).resolve('scipy.special').erf(x)",
    "a module of its own": IN_A_MODULE.format(text="from statistics import NormalDist as found"),
    "a module of its own, without the finder": WITHOUT_FINDER
    + IN_A_MODULE.format(text="from scipy.special import erf as found"),
    "torch, without the finder": WITHOUT_FINDER
    + IN_A_MODULE.format(text="from torch import erf as found"),
    "the package, without the finder": WITHOUT_FINDER
    + IN_A_MODULE.format(text="from actlab.functions import get as found"),
    "sys.modules": "sys.modules['sci' + 'py'].__version__",
    "a place in memory": "import gc, types\nnext(o for o in gc.get_objects() if isinstance(o, "
    "types.ModuleType) and o.__name__.split('.')[0] in ('torch', 'scipy', 'statistics'))",
    "a class in memory": "next(c for c in object.__subclasses__() if c.__module__.split('.')[0] "
    "in ('torch', 'scipy', 'statistics'))",
    "frames": "f = sys._getframe()\nwhile not {'torch', 'scipy'} & {*f.f_globals, *f.f_locals}:\n"
    "    f = f.f_back\nf.f_globals",
    "modules' attributes": "import types\nnext(v for m in list(sys.modules.values()) if m for v in "
    "vars(m).values() if isinstance(v, types.ModuleType) "
    "and v.__name__.split('.')[0] in ('torch', 'scipy', 'statistics'))",
    "its source": FIND_FILE.format(pattern="statistics.py") + "open(places[0]).read()",
    "its compiled source": FIND_FILE.format(pattern="__pycache__/statistics.*.pyc")
    + "open(places[0], 'rb').read()",
    "its file": FIND_FILE.format(pattern="scipy/special/_basic.py") + "open(places[0]).read()",
    "the catalogue's file": FIND_FILE.format(pattern="actlab/functions/*.py")
    + "open(places[0]).read()",
    "by its location": FIND_FILE.format(pattern="statistics.py")
    + "from importlib.util import *\ns = spec_from_file_location('other', places[0])\n"
    "m = module_from_spec(s)\ns.loader.exec_module(m)\nm.NormalDist",
    "an extension": FIND_FILE.format(pattern="scipy/special/_ufuncs.*.so")
    + "from importlib.machinery import *\nfrom importlib.util import *\n"
    "module_from_spec(ModuleSpec('scipy.special._ufuncs', "
    "ExtensionFileLoader('scipy.special._ufuncs', places[0]), origin=places[0]))",
    "a shared library": FIND_FILE.format(pattern="torch/lib/libtorch_cpu.so")
    + "import ctypes\nctypes.CDLL(places[0])",
    "a link": FIND_FILE.format(pattern="scipy")
    + "os.symlink(places[0], 'scipy2')\nopen('scipy2/__init__.py').read()",
    "a hard link": FIND_FILE.format(pattern="statistics.py")
    + "os.link(places[0], 'mine.py')\nopen('mine.py').read()",
}


@pytest.fixture(scope="module", params=["pipe", "jupyter"])
def warm(request):
    if request.param == "jupyter" and sys.platform != "linux":
        pytest.skip("the engine jupyter needs Linux")
    with Launcher(("actlab", "numpy", "scipy", "torch"), engine=request.param, limits=QUICK) as one:
        yield one


def run(launcher, answer, check="1", forbid=FORBID, absent=ABSENT, setup=SETUP):
    cells = [TrialCell("setup", "setup", setup), TrialCell("answer", "answer", answer)]
    trial = Trial(launcher, [*cells, TrialCell("check", "check", check)], forbid, absent)
    try:
        return {outcome.cell.role: outcome for outcome in trial.outcomes()}
    finally:
        trial.close()


@isolated
@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_what_is_not_there(warm, way):
    outcomes = run(warm, WAYS[way])
    assert outcomes["setup"].kind == "ok", outcomes["setup"]
    assert outcomes["answer"].kind == "error", way
    # Where a guard or the machine refuses, it says so; else there was nothing to be found.
    assert outcomes["answer"].ename in (
        *("ForbiddenUse", "ModuleNotFoundError", "PermissionError", "OSError", "ImportError"),
        *("KeyError", "StopIteration", "AttributeError", "IndexError", "ValueError"),
    ), outcomes["answer"]
    assert outcomes["check"].kind == "ok", outcomes["check"]


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("import", "it uses scipy, which this question does not allow"),
        ("importlib", "it uses scipy, which this question does not allow"),
        ("the catalogue", "it uses a part of actlab that is not there for this question"),
        ("resolve_name", "it uses scipy, which this question does not allow"),
        (
            "an import kept by a library",
            "Cannot resolve 'scipy.special': scipy is not there for this question",
        ),
    ],
)
def test_what_is_not_there_is_said(launcher, way, says):
    assert run(launcher, WAYS[way])["answer"].evalue == says


def test_libraries_take_it_for_not_installed(launcher):
    assert run(launcher, "try:\n    import ml_dtypes\nexcept ImportError:\n    pass")
    text = "def f():\n    try:\n        import torch\n    except ImportError:\n        return 1\n"
    answer = f"from pathlib import Path\nPath('mine.py').write_text({text!r})\n"
    answer += "sys.path.insert(0, '.')\nimport mine\nassert mine.f() == 1"
    outcome = run(launcher, answer)["answer"]
    assert outcome.kind == "ok" or outcome.ename == "ForbiddenUse", outcome


@isolated
def test_everything_else_is_there(warm):
    others = "import decimal, fractions, IPython, numpy.fft, numpy.polynomial\nfrom math import erf"
    moved = "import os\nos.mkdir('a')\nopen('a/f', 'w').write('1')\nos.rename('a/f', 'g')"
    for answer in (others, moved):
        assert run(warm, answer)["answer"].kind == "ok", run(warm, answer)["answer"]
    outcome = run(warm, "import scipy.special, statistics", absent=("torch",), forbid=("torch",))
    assert outcome["answer"].kind == "ok", outcome["answer"]


def test_a_question_decides_what_is_a_wall(tmp_path):
    course = Course(grading_sample.write_course(tmp_path))
    (chapter,) = [course.chapter(name) for name in course.chapter_names()]
    walls = {question.id: walls_of(chapter, question) for question in chapter.questions}
    assert walls["q2"] == Walls(fences=("numpy.maximum",))
    assert walls["q1"] == Walls()


def decide(forbid, *own):
    from actgrade.walls import _walls

    return _walls(tuple(forbid), own)


def test_what_the_course_itself_imports_is_a_fence():
    assert decide(["scipy"], "import scipy.special") == Walls((), ("scipy",))
    assert decide(["scipy.stats"], "import scipy") == Walls((), ("scipy.stats",))
    assert decide(["scipy.stats"], "import numpy") == Walls(("scipy.stats",))
    assert decide(["numpy.random"], "import numpy as np") == Walls((), ("numpy.random",))
    assert decide(["math.tanh", "torch.nn.ELU"], "") == Walls((), ("math.tanh", "torch.nn.ELU"))
    assert decide([], "import torch") == Walls()


def test_of_the_package_only_what_is_needed_is_there():
    assert decide(["actlab.functions"], "import numpy") == Walls(("actlab",))
    walls = decide(["actlab.functions"], "from actlab import claims")
    assert "actlab.functions" in walls.absent
    assert "actlab.properties" in walls.absent
    assert "actlab.claims" not in walls.absent
    walls = decide(["actlab.functions"], "from actlab.properties import get")
    assert walls.fences == ("actlab.functions",)
    assert "actlab.properties" not in walls.absent
    assert "actlab.training" in walls.absent


def test_a_part_that_is_needed_works_and_the_rest_does_not(launcher):
    own = "from actlab import claims"
    walls = decide(["actlab.functions"], own)
    with Launcher(("actlab", "numpy"), limits=QUICK) as course:
        for answer, kind in (("claims", "ok"), ("import actlab.properties", "error")):
            found = run(course, answer, forbid=["actlab.functions"], absent=walls.absent, setup=own)
            assert (found["setup"].kind, found["answer"].kind) == ("ok", kind), found


@pytest.mark.parametrize(
    ("name", "answer"),
    [("numpy", True), ("numpy.random", True), ("numpy.tanh", False), ("math.tanh", False),
     ("actlab.functions", True), ("no_such_thing", True), ("no_such_thing.at_all", False)],
)  # fmt: skip
def test_modules_are_told_from_names_in_them(name, answer):
    assert is_module(name) is answer


def test_nothing_is_imported_to_find_a_module():
    code = (
        "import sys\nfrom actgrade.sandbox.places import is_module\n"
        "assert is_module('scipy.special') and is_module('torch.nn')\n"
        "assert not {'torch', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_is_named_without_what_is_closed(tmp_path):
    for name in ("a/one", "a/two", "b/three", "c"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "b")
    closed = {tmp_path / "a/two", tmp_path / "b"}
    assert set(without(tmp_path, closed)) == {tmp_path / "a/one", tmp_path / "c"}
    assert list(without(tmp_path / "b" / "three", closed)) == []
    assert list(without(tmp_path / "c", closed)) == [tmp_path / "c"]


def test_a_modules_files_are_found_in_every_form(tmp_path):
    for name in ("m.py", "m.cpython-311-x86_64-linux-gnu.so", "__pycache__/m.cpython-39.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "mm.py").touch()
    found = {str(path.relative_to(tmp_path.resolve())) for path in files_of_module("m", [tmp_path])}
    assert found == {
        "m.py", "m.cpython-311-x86_64-linux-gnu.so", "__pycache__/m.cpython-39.pyc"
    }  # fmt: skip


def test_servers_are_few_and_busy_ones_stay():
    with Launcher(("numpy",), limits=QUICK) as launcher:
        kernel, _ = launcher.start(["m0"])
        for number in range(1, MOST_SERVERS + 2):
            launcher._server((f"m{number}",))
        assert kernel.is_alive()
        assert ("m0",) in launcher._servers
        assert len(launcher._servers) == MOST_SERVERS
        kernel.kill()
        launcher._server(("another",))
        assert ("m0",) not in launcher._servers
        kernel.close()


def test_no_kernel_loads_a_library_only_because_it_is_forbidden():
    for name in COURSE.chapter_names():
        chapter = COURSE.chapter(name)
        own = "\n".join((*chapter.setup, *(question.answer for question in chapter.questions)))
        for library in {"torch", "scipy", "sklearn"} & set(preload_for(COURSE, [chapter])):
            assert library in own, (name, library)


def test_the_report_gives_the_true_reason(tmp_path):
    chapter = COURSE.chapter(COURSE.resolve("2"))
    first, second, third = chapter.questions[:3]
    answers = {
        first.id: f"import actlab.properties\n{first.answer}",
        second.id: f"import pkgutil\npkgutil.resolve_name('scipy.special:expit')\n{second.answer}",
        third.id: third.answer,
    }
    nbformat.write(handed_in(chapter, answers), tmp_path / "handed_in.ipynb")
    (book,) = grade([tmp_path / "handed_in.ipynb"], COURSE).notebooks
    results = {result.id: result for result in book.questions}
    assert (results[first.id].verdict, results[first.id].reason) == (
        "forbidden",
        "it uses a part of actlab that is not there for this question",
    )
    assert results[second.id].reason == "it uses scipy, which this question does not allow"
    assert results[second.id].points == 0
    assert results[third.id].verdict == "pass"


def test_the_instructors_guide_names_every_fence_of_the_course():
    said = (ROOT / "book" / "instructor.md").read_text(encoding="utf-8")
    fences = {
        (number, question.id.removeprefix("q"), name)
        for number, chapter in enumerate(map(COURSE.chapter, COURSE.chapter_names()), start=1)
        for question in chapter.questions
        for name in walls_of(chapter, question).fences
    }
    found = set()
    for names, question, number in re.findall(
        r"((?:`[\w.]+`(?:, | and )?)+) in question (\d+) of chapter (\d+)", said
    ):
        found |= {(int(number), question, name) for name in re.findall(r"`([\w.]+)`", names)}
    assert found == fences

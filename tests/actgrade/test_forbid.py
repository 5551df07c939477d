"""What a question does not allow cannot be used, under any name; everything else can."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from grading_sample import QUICK

from actgrade.forbid import forbidden_use
from actgrade.sandbox.guard import ForbiddenUse, _Guarded, refuse_handed_on
from actgrade.sandbox.launcher import Launcher
from actgrade.trial import Trial, TrialCell

SETUP = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
import actlab.functions as af
from actlab.functions import relu as ready_made
x = torch.linspace(-2, 2, 5)
"""
FORBID = (
    "torch.nn.functional.gelu",
    "torch.Tensor.relu",
    "torch.relu",
    "torch.nn.ELU",
    "actlab.functions",
    "numpy.maximum",
    "numpy.tanh",
    "numpy.ndarray.clip",
)
WRITTEN = """\
import sys
from pathlib import Path
Path("mine.py").write_text({!r})
sys.path.insert(0, str(Path.cwd()))
import mine
mine.found()
"""
USES = [
    "F.gelu(x)",
    "nn.functional.gelu(x)",
    "getattr(F, 'ge' + 'lu')(x)",
    "torch._C._nn.gelu(x)",
    "nn.GELU()(x)",
    "torch.ops.aten.gelu(x)",
    "list(map(F.gelu, [x]))",
    "from torch.nn.functional import gelu as g\ng(x)",
    "x.relu()",
    "x.relu_()",
    "torch.relu_(x)",
    "F.relu(x)",
    "nn.ELU()(x)",
    "import actlab.functions",
    "from actlab import functions",
    "from actlab.functions import relu",
    "import actlab\nactlab.functions.relu(np.ones(2))",
    "import importlib\nimportlib.import_module('actlab.' + 'functions')",
    "__import__('actlab.functions')",
    "af.relu(np.ones(2))",
    "ready_made(np.ones(2))",
    "np.maximum(1, 2)",
    "np.maximum.reduce([1, 2])",
    "np.vectorize(getattr(np, 'max' + 'imum'))(1, 2)",
    "np._core.umath.maximum(1, 2)",
    "vars(np)['maximum'](1, 2)",
    "eval('np.maximum(1, 2)')",
    "exec('np.maximum(1, 2)', {'np': np})",
    "get_ipython().run_cell('np.maximum(1, 2)').raise_error()",
    "import functools\nfunctools.partial(np.maximum, 1)(2)",
    "try:\n    np.maximum(1, 2)\nexcept Exception:\n    pass",
    "np.arange(3).clip(0, 1)",
    "import sys\nsys.modules['actlab.' + 'functions'].relu(np.ones(2))",
    "import pkgutil\npkgutil.resolve_name('actlab.functions:relu')(np.ones(2))",
    "import pkgutil\npkgutil.resolve_name('numpy:maximum')(1, 2)",
    "np.ma.tanh(1.0)",
    "from numpy.ma.core import tanh as t\nt(np.ones(2))",
    "np._core._methods.umr_maximum([1, 2])",
    WRITTEN.format("import numpy as np\nfound = lambda: np.maximum(1, 2)"),
    WRITTEN.format("from actlab.functions import relu as found"),
    WRITTEN.format("import actlab.functions as a, numpy as n\nfound = lambda: a.relu(n.ones(2))"),
]
OTHER_USES = [
    "np.max(np.arange(3)), np.arange(3).max(), np.clip(np.arange(3), 0, 1)",
    "np.median(np.arange(4.0)), np.interp(1, [0, 2], [0, 2])",
    "F.silu(x), nn.SiLU()(x), torch.tanh(x), x.tanh()",
    "torch.maximum(x, x), torch.clamp(x, min=0)",
    "nn.Linear(5, 2)(x).sum().backward()",
    "import actlab\nactlab.__version__",
    "def gelu(x):\n    return x\n\ngelu(3)",
    "class Mine:\n    def relu(self):\n        return 1\n\nMine().relu()",
    "maximum = max\nmaximum(1, 2)",
]
MENTIONED = [use for use in USES if forbidden_use(use, FORBID, [SETUP])]


@pytest.fixture(scope="module")
def torch_launcher():
    with Launcher(("actlab", "numpy", "torch"), limits=QUICK) as launcher:
        yield launcher


@pytest.fixture
def run(torch_launcher):
    def run(answer, check="1"):
        cells = [TrialCell("setup", "setup", SETUP), TrialCell("answer", "answer", answer)]
        trial = Trial(torch_launcher, [*cells, TrialCell("check", "check", check)], FORBID)
        try:
            return {outcome.cell.role: outcome for outcome in trial.outcomes()}
        finally:
            trial.close()

    return run


@pytest.mark.parametrize("answer", USES)
def test_a_forbidden_use_is_refused_by_one_of_the_two(run, answer):
    if answer == "np.arange(3).clip(0, 1)":
        assert answer in MENTIONED
        return  # what no guard can stand before, the look at the source has to find
    outcome = run(answer)["answer"]
    assert outcome.ename == "ForbiddenUse", (outcome.ename, outcome.evalue)
    assert "which this question does not allow" in outcome.evalue


def test_the_look_at_the_source_finds_what_is_mentioned():
    assert len(MENTIONED) == 17
    sentence = forbidden_use("y = 1\nz = F.gelu(y)", FORBID, [SETUP])
    assert sentence == (
        "it uses torch.nn.functional.gelu (line 2), which this question does not allow"
    )


def test_what_is_forbidden_is_no_answer_though_a_check_calls_it():
    guarded = _Guarded(np.tanh, "numpy.tanh")
    for answer in (
        guarded,
        guarded.__call__,
        functools.partial(functools.partial(guarded)),
        functools.cache(guarded),
        staticmethod(guarded),
        np.vectorize(guarded),
    ):
        with pytest.raises(ForbiddenUse, match=r"numpy\.tanh, which this question"):
            refuse_handed_on(answer)
    for answer in (np.tanh, functools.partial(np.tanh), lambda x: guarded(x), "tanh", None):
        refuse_handed_on(answer)


@pytest.mark.parametrize("answer", OTHER_USES)
def test_other_uses_are_free(run, answer):
    outcome = run(answer)["answer"]
    assert outcome.kind == "ok", (outcome.ename, outcome.evalue)
    assert forbidden_use(answer, FORBID, [SETUP]) is None


def test_the_courses_own_cells_may_use_everything(run):
    check = """\
np.maximum(1, 2), F.gelu(x), x.relu(), torch.relu(x), F.relu(x), nn.ELU()(x), nn.GELU()(x)
af.relu(np.ones(2)), ready_made(np.ones(2)), np.maximum.reduce([1, 2])
import actlab.functions
actlab.functions.relu(np.ones(2)), mine(F.gelu(x))
"""
    outcomes = run("def mine(x):\n    return x", check)
    assert outcomes["check"].kind == "ok", outcomes["check"].evalue


def test_a_function_of_the_answer_is_the_answers_whoever_calls_it(run):
    outcomes = run("def mine(x):\n    return getattr(F, 'ge' + 'lu')(x)", "mine(x)")
    assert outcomes["check"].ename == "ForbiddenUse"


@pytest.mark.parametrize(
    ("answer", "mentions"),
    [
        ("np = 3\nnp.maximum", False),
        ("def f(np):\n    return np.maximum", False),
        ("import numpy as np\nnp.maximum", True),
        ("import numpy\nnumpy.maximum", True),
        ("from numpy import maximum", True),
        ("import torch.nn.functional\ntorch.nn.functional.gelu", True),
        ("def (:", False),
        ("%matplotlib inline\nnp.maximum", True),
        ("'np.maximum'", False),
    ],
)
def test_names_are_resolved_through_imports(answer, mentions):
    assert bool(forbidden_use(answer, FORBID, [SETUP])) is mentions


def test_nothing_is_forbidden_where_nothing_is_named():
    assert forbidden_use("import numpy as np\nnp.maximum(1, 2)", (), [SETUP]) is None


def test_it_loses_the_question_with_a_sentence(graded):
    for answer in ("np.maximum(x, slope * x)", "getattr(np, 'max' + 'imum')(x, slope * x)"):
        result = graded(q2=f"def leaky(x, slope=0.1):\n    return {answer}")["q2"]
        assert (result.points, result.verdict) == (0, "forbidden")
        assert "it uses numpy.maximum" in result.reason
        assert "which this question does not allow" in result.reason


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        ("def gate(x, rng: np.random.Generator) -> np.ndarray:\n    return rng.random()", True),
        ("def gate(x, rng: np.random.Generator | None = None):\n    return x", True),
        ("assert isinstance(made, np.random.Generator)", True),
        ("assert not isinstance(3, np.random.Generator)", True),
        ("np.random.Generator(np.random.PCG64(1))", False),
        ("kind = getattr(np, 'ran' + 'dom').Generator\nkind(None)", False),
        ("getattr(np, 'ran' + 'dom').default_rng(1)", False),
        ("import sys\nsys.modules['numpy.' + 'random'].default_rng(1)", False),
        ("import sys\nsys.modules['numpy.' + 'random._generator'].default_rng(1)", False),
        ("import pkgutil\npkgutil.resolve_name('numpy.random:default_rng')(1)", False),
        ("def gate(x, rng: np.random.default_rng(1)):\n    return x", False),
        ("from numpy.random import default_rng", False),
        (WRITTEN.format("from numpy.random import default_rng as found"), False),
    ],
)
def test_a_class_of_a_forbidden_module_may_be_named_and_not_used(launcher, answer, allowed):
    forbid = ("numpy.random",)
    setup = "import numpy as np\nmade = np.random.default_rng(3)"
    assert not (allowed and forbidden_use(answer, forbid, [setup]))
    cells = [TrialCell("setup", "setup", setup), TrialCell("answer", "answer", answer)]
    cells.append(TrialCell("check", "check", "np.random.default_rng(1).random(), made.random()"))
    trial = Trial(launcher, cells, forbid)
    outcomes = trial.outcomes()
    trial.close()
    assert (outcomes[1].kind == "ok") is allowed, outcomes[1]
    assert outcomes[2].kind == "ok", outcomes[2]

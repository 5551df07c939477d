"""Stubs keep what a learner needs to see and lose what the learner has to find."""

from __future__ import annotations

import pytest

from actgrade.stub import make_stub


@pytest.mark.parametrize(
    ("answer", "stub"),
    [
        pytest.param(
            'def f(x):\n    """Twice x."""\n    y = 2 * x\n    return y',
            'def f(x):\n    """Twice x."""\n    raise NotImplementedError',
            id="docstring",
        ),
        pytest.param(
            "def f(x):\n    # the trick\n    return 2 * x",
            "def f(x):\n    raise NotImplementedError",
            id="comment before the body",
        ),
        pytest.param(
            "def f(x): return 2 * x", "def f(x):\n    raise NotImplementedError", id="one line"
        ),
        pytest.param(
            "import math\n\n\ndef f(\n    x: float,\n    slope: float = 0.1,\n) -> float:\n"
            '    """Doc.\n\n    More.\n    """\n    return math.pi',
            "import math\n\n\ndef f(\n    x: float,\n    slope: float = 0.1,\n) -> float:\n"
            '    """Doc.\n\n    More.\n    """\n    raise NotImplementedError',
            id="long signature",
        ),
        pytest.param(
            "def f(x):\n    return 1\n\n\n@cache\ndef g(x):\n    def h():\n        return 2\n"
            "    return h()",
            "def f(x):\n    raise NotImplementedError\n\n\n@cache\ndef g(x):\n"
            "    raise NotImplementedError",
            id="two functions",
        ),
        pytest.param(
            'class Act:\n    """Doc."""\n\n    slope = 1\n\n    def forward(self, x):\n'
            "        return x\n\n    def backward(self, g):\n        return g",
            'class Act:\n    """Doc."""\n\n    slope = 1\n\n    def forward(self, x):\n'
            "        raise NotImplementedError\n\n    def backward(self, g):\n"
            "        raise NotImplementedError",
            id="class",
        ),
        pytest.param(
            "def f(x):\n    y = x\n    # BEGIN SOLUTION\n    y = 2 * x\n    # END SOLUTION\n"
            "    return y",
            "def f(x):\n    y = x\n    raise NotImplementedError\n    return y",
            id="region",
        ),
        pytest.param(
            "### BEGIN SOLUTION\nguess = 0.408\n### END SOLUTION",
            "raise NotImplementedError",
            id="region at the top",
        ),
        pytest.param(
            'def f(x):\n    """Только текст, ½."""\n    return "é"',
            'def f(x):\n    """Только текст, ½."""\n    raise NotImplementedError',
            id="not ASCII",
        ),
    ],
)
def test_stub(answer, stub):
    assert make_stub(answer) == stub


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("def f(x:\n    return", "is not Python"),
        ("x = 3", "line 1 of its answer stands outside a function"),
        ("import math", "leaves nothing to write"),
        ("# BEGIN SOLUTION\nx = 1", "without END SOLUTION"),
        ("x = 1\n# END SOLUTION", "END SOLUTION without BEGIN"),
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION", "inside a solution"),
        ("if True:\n# BEGIN SOLUTION\n    x = 1\n# END SOLUTION", "is not Python"),
    ],
)
def test_an_answer_without_a_stub_is_refused(answer, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_stub(answer)

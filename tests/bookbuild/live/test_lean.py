"""Earlier cells import what somebody uses, and nothing else."""

from __future__ import annotations

import json

import pytest

from bookbuild.live import cells
from bookbuild.live.lean import lean, names_used
from bookbuild.live.page_session import PageSession

SETUP = (
    "import math\nimport matplotlib.pyplot as plt\nimport numpy as np\n"
    "from actlab import functions, plotting\n\nplotting.use_style()\nrate = 0.5"
)


@pytest.mark.parametrize(
    ("used", "left"),
    [
        ({"np"}, "import numpy as np\nrate = 0.5"),
        ({"np", "functions"}, "import numpy as np\nfrom actlab import functions\nrate = 0.5"),
        (
            {"plotting"},
            "from actlab import plotting\nplotting.use_style()\nrate = 0.5",
        ),
        ({"math", "plt", "np", "functions", "plotting"}, SETUP),
    ],
)
def test_imports_that_nobody_uses_go_with_their_set_up(used, left):
    assert lean(SETUP, used) == left


@pytest.mark.parametrize("source", ["x = 1", "from math import *", "print(", "rng.shuffle(x)"])
def test_what_has_none_stays_as_it_is(source):
    assert lean(source, set()) == source


def test_names_of_imports_and_their_set_up_are_no_uses():
    setup, other = cells.read("a", SETUP), cells.read("b", "def f(x):\n    return np.exp(x) * rate")
    used = names_used(cells.read("c", "print(f(1))"), [setup, other])
    assert {"f", "np", "rate"} <= used
    assert not {"plt", "plotting", "math"} & used


def test_an_earlier_cell_runs_again_when_more_of_it_is_needed():
    shown: list[tuple[str, dict]] = []
    session = PageSession(lambda kind, **content: shown.append((kind, content)), {})
    page = [
        {"id": "a", "source": "import json\nimport math\nprint('loud')\nn = 3"},
        {"id": "b", "source": "print(math.sqrt(n))"},
        {"id": "c", "source": "print(json.dumps(n))"},
    ]

    def run(target: str) -> list[str]:
        order = session.order(page, target)
        for name in order:
            source = next(cell["source"] for cell in page if cell["id"] == name)
            assert session.run(name, name, source, quiet=name != target), json.dumps(shown[-1:])
        return order

    assert run("b") == ["a", "b"]
    assert "json" not in session.lean("a", "")
    assert run("b") == ["b"]
    assert run("c") == ["a", "c"]
    assert "math" in session.lean("a", "")
    assert run("b") == ["b"]

"""Which cells run in a browser and what each needs, from reading them."""

from __future__ import annotations

import pytest

from bookbuild.live import cells


def missing(module: str) -> str | None:
    return "torch" if module.split(".")[0] == "torch" else None


def needs(*sources: str, target: int = -1) -> list[int]:
    read = [cells.read(str(number), source) for number, source in enumerate(sources)]
    blocked = {name for name, cause in cells.causes(read, missing).items() if cause}
    return cells.needs(read, target % len(read), blocked)


def causes(*sources: str) -> list[str | None]:
    read = [cells.read(str(number), source) for number, source in enumerate(sources)]
    return list(cells.causes(read, missing).values())


def test_a_name_leads_to_the_last_cell_that_defines_it():
    assert needs("a = 1", "a = 2", "b = 3", "print(a)") == [1]


def test_needs_are_followed_to_their_own():
    assert needs("a = 1", "b = a", "c = 5", "print(b)") == [0, 1]


def test_a_cell_that_redefines_before_it_reads_needs_nothing():
    assert needs("a = 1", "a = 2\nprint(a)") == []


def test_a_cell_that_updates_a_name_needs_it_and_is_needed():
    assert needs("a = 1", "a += 1", "print(a)") == [0, 1]
    assert needs("a = 1", "a = a + 1", "print(a)") == [0, 1]


def test_a_function_is_followed_to_what_it_reads_when_called():
    assert needs("def f(): return layers", "layers = 3", "other = 1", "print(f())") == [0, 1]


@pytest.mark.parametrize(
    "change",
    ["rng.normal()", "for _ in range(3): y = rng.normal()", "rng[0] = 1", "rng.state = 1"],
)
def test_a_cell_that_changes_an_object_in_place_is_run_too(change):
    before = ("import numpy as np", "rng = np.random.default_rng(0)")
    assert needs(*before, change, "rng.normal()") == [0, 1, 2]


def test_a_method_that_changes_nothing_costs_no_cell():
    assert needs("a = make()", "print(a.mean())", "print(a)") == [0]


def test_a_module_is_not_changed_by_a_call():
    assert needs("import numpy as np", "np.random.rand()", "np.abs(1)") == [0]


def test_names_of_comprehensions_and_arguments_are_their_own():
    assert needs("x = 1", "def f(x): return [x for y in x]", "f([1])") == [1]


def test_what_uses_a_missing_module_cannot_run():
    found = causes(
        "import torch\nimport numpy as np",
        "y = torch.ones(3)",
        "print(y)",
        "print(np.ones(3))",
        "def f(): return torch.ones(3)",
        "y = 3\nprint(y)",
    )
    assert found == [None, "torch", "torch", None, "torch", None]


def test_a_setting_of_a_missing_module_costs_nothing():
    assert causes("import torch\ntorch.set_num_threads(1)\nx = 1") == [None]
    assert causes("import torch\ntorch.get_num_threads()") == ["torch"]


def test_a_list_filled_from_a_missing_module_is_missing():
    assert causes("import torch\nimport numpy as np", "a = []\na.append(torch.ones(1))", "a") == [
        None, "torch", "torch",
    ]  # fmt: skip
    # ... and the modules beside it are not.
    assert (
        causes("import torch\nimport numpy as np", "np.abs(torch.ones(1))", "np.abs(1)")[2] is None
    )


def test_ipython_is_not_python():
    assert causes("%timeit 1 + 1", "1 + 1") == [cells.NOT_PYTHON, None]

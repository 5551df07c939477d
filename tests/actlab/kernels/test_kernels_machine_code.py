"""The sm_90 machine code of every kernel, built and read without a GPU."""

from __future__ import annotations

import pytest

from actlab.kernels import sass

pytestmark = pytest.mark.compiled

#: Issue budget (1: arithmetic as slow as memory) that each of our own elementwise and gated
#: kernels must stay below in bfloat16, to leave room for what static counts do not see.
CEILING = 0.6
#: The library's formulas that the course shows to cross it.
OVER_BUDGET = ("gelu_by_erf", "mish_by_log")


@pytest.fixture(scope="module")
def targets():
    return {target.name: target for target in sass.targets()}


@pytest.fixture(scope="module")
def counts(targets):
    return sass.count(targets.values())


@pytest.fixture(scope="module")
def record():
    return sass.load()


def test_the_record_has_every_kernel(targets, record):
    assert list(record["kernels"]) == list(targets)


def test_counts_are_as_recorded(counts, record):
    import triton

    if triton.__version__ != record["triton"]:
        pytest.skip(f"recorded with Triton {record['triton']}, here is {triton.__version__}")
    for name, found in counts.items():
        recorded = record["kernels"][name]["instructions"]
        assert found.instructions == pytest.approx(recorded, rel=0.2), (
            f"{name}: python -m actlab.kernels.sass --write, if this is meant"
        )


def test_memory_is_read_and_written_16_bytes_at_a_time(counts):
    for name, found in counts.items():
        narrow = {**found.loads, **found.stores}.keys() - {"128"}
        # The packed signs are one byte for eight elements, the bias one value a column.
        allowed = {"8", "16"} if name.startswith(("leaky_relu2_saving", "linear")) else set()
        assert narrow <= allowed, f"{name}: accesses of {sorted(narrow)} bits"


def test_nothing_spills_to_local_memory(counts):
    for name, found in counts.items():
        # The linear kernel's accumulators fill the registers; it spills a few addresses once a
        # tile, outside its loop.
        allowed = 40 if name.startswith("linear") else 0
        assert found.spills <= allowed, f"{name}: {found.spills} accesses to local memory"


def test_arithmetic_leaves_memory_the_pace(counts, targets):
    for name, found in counts.items():
        if name.split("/")[0] in OVER_BUDGET or name.startswith(("linear", "softmax", "rrelu_")):
            continue
        assert found.budget < CEILING, f"{name}: {found.budget:.0%} of the issue budget"


def test_the_second_wall_is_where_the_course_says(counts):
    """erf-GELU and Mish from the library cost more than memory; ours cost half or less."""
    assert counts["gelu_by_erf/forward/bfloat16"].budget > 1
    assert counts["mish_by_log/forward/bfloat16"].budget > 1
    for name, ours in (("gelu_by_erf", "gelu"), ("mish_by_log", "mish")):
        library, mine = (counts[f"{n}/forward/bfloat16"].instructions for n in (name, ours))
        assert mine < 0.52 * library


def test_the_matrix_product_uses_the_tensor_cores(counts):
    assert counts["linear_leaky_relu2/forward/bfloat16"].matmuls > 0


def test_a_spill_and_a_narrow_access_would_be_counted(targets):
    """The counter itself: an unaligned size and too few registers must show."""
    import dataclasses

    target = targets["softmax_16384/forward/bfloat16"]
    crowded = dataclasses.replace(target, name="crowded", num_warps=2)
    relu = targets["relu/forward/bfloat16"]
    ragged = dataclasses.replace(
        relu, name="ragged", constants={**relu.constants, "MASKED": True}, aligned=False
    )
    found = sass.count([crowded, ragged])
    assert found["crowded"].spills > 0
    assert set(found["ragged"].loads) != {"128"}


def test_float32_compiles_without_spills():
    """Its formulas are longer than those of the 16-bit dtypes, and nothing else compiles them."""
    for name, found in sass.count(sass.elementwise_targets(("fp32",))).items():
        assert found.spills == 0, name
        assert {*found.loads, *found.stores} == {"128"}, name


def test_the_command_prints_a_table(capsys):
    assert sass.main(["relu2/"]) == 0
    assert "relu2/forward/bfloat16" in capsys.readouterr().out
    assert sass.main(["nonsense"]) == 2
    assert "no kernel's name begins with 'nonsense'" in capsys.readouterr().err

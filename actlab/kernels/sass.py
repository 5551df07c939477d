"""Machine code without a GPU: compile kernels for sm_90, disassemble, count.

Triton and the assembler it brings build for a GPU that is not there. What comes out says whether
a kernel can keep up with memory at all: an H200 (132 multiprocessors, 128 lanes, 1.98 GHz) issues
33.4e12 lane-instructions a second, and reading and writing 4.3 TB/s of bfloat16 passes 1.075e12
elements a second, which leaves 31 instructions an element in a forward pass (4 bytes moved) and
47 in a backward pass (6 bytes). Beyond that arithmetic, not memory, sets the pace.

    python -m actlab.kernels.sass                 # print the table
    python -m actlab.kernels.sass gelu            # only kernels whose name begins so
    python -m actlab.kernels.sass --write         # refresh sass_counts.json after a change
    python -m actlab.kernels.sass --write gelu    # only these lines of it

Counts are static: both sides of a branch, each loop body once. The elementwise and gated kernels
are straight-line, so for them static is exact.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actlab.kernels.target import DTYPE_NAMES, ITEM_BYTES, Target

RECORD = Path(__file__).with_name("sass_counts.json")

#: Lane-instructions a second of an H200 at its boost clock.
ISSUE_RATE = 132 * 128 * 1.98e9
#: Bytes a second that a copy reaches there.
COPY_RATE = 4.3e12


@dataclass(frozen=True)
class Count:
    """What the machine code of one kernel holds.

    Attributes:
        instructions: an element, without padding.
        special: special-function instructions (ex2, rcp, …) an element.
        budget: share of the issue budget at the copy's rate (1: arithmetic as slow as memory).
        loads, stores: global accesses by width in bits, e.g. ``{"128": 4}``.
        spills: accesses to local memory, where registers did not suffice.
        matmuls: tensor-core instructions (HGMMA or HMMA).
    """

    instructions: float
    special: float
    budget: float
    loads: dict[str, int]
    stores: dict[str, int]
    spills: int
    matmuls: int


def elementwise_targets(dtypes: Iterable[str] = ("bf16",)) -> list[Target]:
    """Forward and backward of every formula."""
    from actlab.kernels import elementwise
    from actlab.kernels.formulas import FORMULAS
    from actlab.kernels.launch import Launch

    shape = Launch()
    targets = []
    for formula in FORMULAS.values():
        for direction in ("forward", "backward"):
            for dtype in dtypes:
                backward = direction == "backward"
                pointers = ("g", "s", "dx") if backward else ("x", "y")
                block = shape.block(ITEM_BYTES[dtype])
                targets.append(
                    Target(
                        name=f"{formula.name}/{direction}/{DTYPE_NAMES[dtype]}",
                        kernel=getattr(elementwise, f"{direction}_kernel"),
                        signature={
                            **{f"{name}_pointer": f"*{dtype}" for name in pointers},
                            "size": "i32",
                            "p": "fp32",
                            "q": "fp32",
                        },
                        constants={
                            "FORMULA": getattr(formula, direction),
                            "WIDE": dtype in ("fp32", "fp64"),
                            "MASKED": False,
                            "BLOCK": block,
                        },
                        elements=block,
                        num_warps=shape.num_warps,
                        bytes=len(pointers) * ITEM_BYTES[dtype],
                    )
                )
    return targets


def targets() -> list[Target]:
    """Every kernel that is counted and recorded."""
    from actlab.kernels import gated, learned, linear, rows, squares

    return [
        *elementwise_targets(),
        *squares.targets(),
        *learned.targets(),
        *gated.targets(),
        *rows.targets(),
        *linear.targets(),
    ]


def compile_to_ptx(target: Target) -> str:
    """Compile for sm_90 with Triton; the text that goes to the assembler.

    Raises:
        triton.CompilationError: the kernel does not compile.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = [parameter.name for parameter in target.kernel.params]
    signature = {name: target.signature.get(name, "constexpr") for name in names}
    # As at run time: pointers and sizes that 16 divides are known as such.
    kinds = ("*", "i") if target.aligned else ("*",)
    divisible = {
        (position,): [["tt.divisibility", 16]]
        for position, name in enumerate(names)
        if signature[name].startswith(kinds)
    }
    source = ASTSource(
        target.kernel, signature=signature, constexprs=dict(target.constants), attrs=divisible
    )
    options = {
        "num_warps": target.num_warps,
        "num_stages": target.num_stages,
        "enable_fp_fusion": True,
    }
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    return compiled.asm["ptx"]


def assemble(ptx: Mapping[str, str]) -> dict[str, list[str]]:
    """Instructions of each kernel, in order and with their modifiers, without padding.

    All kernels go through the assembler and the disassembler together, since starting those takes
    longer than their work. Both come with Triton.
    """
    from triton import knobs
    from triton.backends.nvidia.compiler import get_ptxas

    assembler = get_ptxas(90)
    # As Triton calls it.
    flags = ["--regAllocOptLevel=2"] if int(assembler.version.split(".")[0]) >= 13 else []
    module = [next(iter(ptx.values())).split(".address_size")[0], ".address_size 64\n"]
    entries = {}
    for number, (name, text) in enumerate(ptx.items()):
        entries[f"kernel_{number}"] = name
        module.append(_entry(text, f"kernel_{number}"))
    with tempfile.TemporaryDirectory() as folder:
        source, cubin = Path(folder, "all.ptx"), Path(folder, "all.cubin")
        source.write_text("".join(module))
        version = re.search(r"\.target (sm_\w+)", module[0])[1]
        for command in (
            [assembler.path, *flags, f"--gpu-name={version}", source, "-o", cubin],
            [knobs.nvidia.cuobjdump.path, "-sass", cubin],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")
    return {entries[name]: found for name, found in _listing(done.stdout)}


def _entry(ptx: str, name: str) -> str:
    """The code of one kernel under another name, without what describes its source lines."""
    body = ptx.split(".address_size 64", 1)[1].split("\t.file\t", 1)[0]
    body = re.sub(r"^\s*\.loc\b.*$", "", body.split("\n\t.section\t", 1)[0], flags=re.MULTILINE)
    for shared_name in ("global_smem", "_$_str"):
        body = body.replace(shared_name, f"{name}_{shared_name}")
    original = re.search(r"\.entry (\w+)\(", body)[1]
    return re.sub(rf"\b{original}(?=\b|_param_)", name, body)


def _listing(text: str) -> Iterable[tuple[str, list[str]]]:
    for section in text.split("Function : ")[1:]:
        pattern = r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)"
        found = re.findall(pattern, section)
        # After the last exit comes a branch to itself and padding.
        last = max(index for index, name in enumerate(found) if name.startswith("EXIT"))
        yield section.split()[0], [name for name in found[: last + 1] if name != "NOP"]


def _widths(names: Iterable[str]) -> dict[str, int]:
    widths: collections.Counter[str] = collections.Counter()
    for name in names:
        width = re.search(r"\.(128|64|U?16|U?8)\b", name)
        widths[width[1].lstrip("US") if width else "32"] += 1
    return dict(sorted(widths.items()))


def _widths_text(widths: Mapping[str, int]) -> str:
    return "+".join(f"{number}x{width}" for width, number in widths.items()) or "-"


def _count(target: Target, names: list[str]) -> Count:
    per_thread = target.elements / (32 * target.num_warps)
    kinds = collections.Counter(name.split(".")[0] for name in names)
    instructions = len(names) / per_thread
    budget = instructions * COPY_RATE / target.bytes / ISSUE_RATE
    return Count(
        instructions=round(instructions, 2),
        special=round(kinds["MUFU"] / per_thread, 3),
        budget=round(budget, 3),
        loads=_widths(name for name in names if name.startswith(("LDG.", "LDGSTS."))),
        stores=_widths(name for name in names if name.startswith("STG.")),
        spills=kinds["LDL"] + kinds["STL"],
        matmuls=kinds["HGMMA"] + kinds["HMMA"],
    )


def count(wanted: Iterable[Target]) -> dict[str, Count]:
    """Compile, assemble, disassemble and count kernels; by name."""
    by_name = {target.name: target for target in wanted}
    listings = assemble({name: compile_to_ptx(target) for name, target in by_name.items()})
    return {name: _count(target, listings[name]) for name, target in by_name.items()}


def load(path: Path = RECORD) -> dict[str, Any]:
    """The recorded counts: ``{"target", "triton", "kernels": {name: {...}}}``."""
    return json.loads(path.read_text())


def write(counts: Mapping[str, Count], path: Path = RECORD) -> None:
    """Record counts, one kernel a line."""
    import triton

    rows = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(asdict(count))}" for name, count in counts.items()
    )
    path.write_text(
        f'{{\n  "target": "sm_90",\n  "triton": "{triton.__version__}",\n'
        f'  "kernels": {{\n{rows}\n  }}\n}}\n'
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m actlab.kernels.sass",
        description="Count the sm_90 instructions an element of every kernel; no GPU needed.",
        epilog="Example: python -m actlab.kernels.sass gelu",
    )
    parser.add_argument("prefix", nargs="?", default="", help="only kernels whose name begins so")
    parser.add_argument("--write", action="store_true", help=f"refresh {RECORD.name}")
    options = parser.parse_args(arguments)
    from actlab.kernels.availability import interpreting

    if interpreting():
        print("unset TRITON_INTERPRET: the interpreter makes no machine code", file=sys.stderr)
        return 2
    try:
        import triton

        everything = targets()
    except ImportError as error:
        print(f"Triton is needed to compile kernels: {error}", file=sys.stderr)
        return 2
    wanted = [target for target in everything if target.name.startswith(options.prefix)]
    kept: dict[str, Count] = {}
    if options.write and options.prefix:
        record = load()
        if record["triton"] != triton.__version__:
            print(
                f"the record is of Triton {record['triton']}, here is {triton.__version__}: "
                "--write without a name records all kernels anew",
                file=sys.stderr,
            )
            return 2
        kept = {name: Count(**found) for name, found in record["kernels"].items()}
    if not wanted:
        print(f"no kernel's name begins with {options.prefix!r}", file=sys.stderr)
        return 2
    print(f"compiling {len(wanted)} kernels for sm_90 ...", file=sys.stderr, flush=True)
    counts = count(wanted)
    print(f"{'kernel':44} {'instr/el':>8} {'special':>7} {'budget':>6}  loads, stores, spills")
    for name, found in counts.items():
        print(
            f"{name:44} {found.instructions:8.1f} {found.special:7.2f} {found.budget:6.0%}  "
            f"{_widths_text(found.loads)} {_widths_text(found.stores)} {found.spills}"
        )
    if options.write:
        both = kept | counts
        write({target.name: both[target.name] for target in everything if target.name in both})
        print(f"wrote {RECORD}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

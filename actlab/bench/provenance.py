"""Where a number comes from: device, versions, clocks, commit and load, as found.

Nothing here changes a setting. What cannot be read is ``None``, never a guess.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from actlab.bench.memory import cache_bytes, free_bytes

ROOT = Path(__file__).resolve().parents[2]
_GPU_FIELDS = (
    "driver_version",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "temperature.gpu",
    "power.draw",
    "ecc.mode.current",
)
_MEASURED = ("bench", "kernels", "functions")  # code that a result depends on
_PACKAGES = ("numpy", "torch", "triton", "liger_kernel")


def utc_now() -> str:
    """The time in UTC to the second, such as 2026-11-21T08:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=True, cwd=ROOT
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def source() -> dict[str, object]:
    """Commit, whether the code that measures differs from it, and a hash of that code.

    That code is the benchmark, the kernels and the functions. The hash lets a record made from a
    copied tree without git be matched to a commit.
    """
    digest = hashlib.sha256()
    for folder in _MEASURED:
        for path in sorted((ROOT / "actlab" / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    top = _output("git", "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT:  # not a checkout, or inside someone else's
        return {"commit": None, "dirty": None, "source_sha256": digest.hexdigest()}
    places = [f"actlab/{folder}" for folder in _MEASURED]
    changed = _output("git", "status", "--porcelain", "--untracked-files=all", "--", *places)
    return {
        "commit": _output("git", "rev-parse", "HEAD"),
        "dirty": None if changed is None else bool(changed),
        "source_sha256": digest.hexdigest(),
    }


def software() -> dict[str, str | None]:
    """Versions of Python and of the packages that matter."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = torch.__version__  # says "+cpu" or "+cu130", which the metadata may not
        found["cuda"] = torch.version.cuda
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def load_average() -> float | None:
    """Load average of the last minute; None where the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _nominal_bandwidth(properties: object) -> float | None:
    """Bytes a second that the memory could move: two transfers a clock over the whole bus."""
    kilohertz = getattr(properties, "memory_clock_rate", None)
    bits = getattr(properties, "memory_bus_width", None)
    return 2 * kilohertz * 1e3 * bits / 8 if kilohertz and bits else None


def device(kind: str, threads: int = 1) -> dict[str, object]:
    """What is measured: the CPU or the GPU, with the sizes that decide how it behaves."""
    host = {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load_average": load_average(),
    }
    if kind != "cuda":
        return {
            "kind": "cpu",
            "name": host["cpu"],
            "cache_bytes": cache_bytes("cpu"),
            "free_bytes": free_bytes("cpu"),
            **host,
        }
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "kind": "cuda",
        "name": properties.name,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory_bytes": properties.total_memory,
        "nominal_bytes_per_second": _nominal_bandwidth(properties),
        "cache_bytes": cache_bytes("cuda"),
        "free_bytes": free_bytes("cuda"),
        "host": host,
    }


def _gpu_id() -> str:
    """What nvidia-smi calls the GPU that PyTorch calls 0; the two may count differently."""
    import torch

    uuid = getattr(torch.cuda.get_device_properties(0), "uuid", None)
    return f"GPU-{uuid}" if uuid else "0"


def clocks(kind: str) -> dict[str, object]:
    """State of the device at this moment: clocks, temperature, power and driver of a GPU, load."""
    found: dict[str, object] = {"utc": utc_now(), "load_average": load_average()}
    if kind == "cuda":
        line = _output(
            "nvidia-smi",
            f"--query-gpu={','.join(_GPU_FIELDS)}",
            "--format=csv,noheader",
            f"--id={_gpu_id()}",
        )
        values = [value.strip() for value in line.splitlines()[0].split(",")] if line else []
        if len(values) != len(_GPU_FIELDS):
            values = [None] * len(_GPU_FIELDS)
        found.update(zip(_GPU_FIELDS, values, strict=True))
    return found

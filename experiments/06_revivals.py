"""When do ReLU units die, which of them come back, and which remedy keeps them alive?

Four parts, each in units that can be resumed. All networks of a unit train at once; MNIST-1D is
drawn afresh for every seed (4000 training, 1000 validation, 5000 test examples; 2000 with --small).
A unit is dead when it is silent on all training examples.

lines      life lines of layer 2 in single networks 40-64-64-10, full batch of 1000, float64: each
           dead spell of the second layer (of three networks; counts for all), with layer 1 learning
           and frozen.
revivals   40-64-64-64-10, He, batches of 100: optimiser x rate x (layer 1 learns, frozen); deaths
           and revivals per layer and stretch of training, at checks ten updates apart.
dose       40-64-64-10, plain SGD: rate x starting bias of the hidden layers.
remedies   ten hidden layers: initialisation x BatchNorm x leak x optimiser x rate.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools

import numpy as np
import torch

from actlab import comparison, experiment, lifelines
from actlab.training import Stack

VALID, TEST = 1000, 5000


@dataclasses.dataclass(frozen=True)
class Grid:
    """How much is run."""

    seeds: int
    train: int
    stretches: tuple[int, ...]
    every: int
    rates: dict[str, tuple[float, ...]]
    hot: dict[str, tuple[float, ...]]  # of the arms with layer 1 frozen
    deep_seeds: dict[str, int]
    deep_width: int
    deep_steps: int
    deep_rates: dict[str, tuple[float, ...]]


FULL = Grid(
    seeds=20,
    train=4000,
    stretches=(0, 200, 1000, 2000),
    every=10,
    rates={
        "sgd": (0.1, 0.3, 0.6, 1.0, 1.5),
        "momentum": (0.03, 0.06, 0.1, 0.15, 0.2),
        "adam": (0.003, 0.006, 0.01, 0.02, 0.03),
    },
    hot={"sgd": (0.6, 1.0, 1.5), "momentum": (0.1, 0.15, 0.2), "adam": (0.01, 0.02, 0.03)},
    deep_seeds={"sgd": 20, "adam": 20},
    deep_width=64,
    deep_steps=2000,
    deep_rates={
        "sgd": (0.01, 0.03, 0.1, 0.3, 0.6, 1.0),
        "adam": (0.0003, 0.001, 0.003, 0.006, 0.01, 0.03),
    },
)
SMALL = Grid(
    seeds=8,
    train=2000,
    stretches=(0, 100, 400, 1000),
    every=10,
    rates={"sgd": (0.3, 1.0, 1.5), "momentum": (0.03, 0.1, 0.2), "adam": (0.003, 0.01, 0.03)},
    hot={"sgd": (1.0,), "momentum": (0.2,), "adam": (0.03,)},
    deep_seeds={"sgd": 6, "adam": 4},
    deep_width=32,
    deep_steps=400,
    deep_rates={"sgd": (0.1, 0.3, 1.0), "adam": (0.003, 0.01)},
)
# What may move a dead unit: (optimiser, decay per update, are biases decayed too?)
ARMS = {
    "sgd": ("sgd", 0.0, True),
    "momentum": ("momentum", 0.0, True),
    "adam": ("adam", 0.0, True),
    "sgd, decay of all": ("sgd", 1e-3, True),
    "sgd, decay of weights": ("sgd", 1e-3, False),
}
BIASES = (0.5, 0.0, -0.5, -1.0, -2.0)
DOSES = (0.03, 0.1, 0.3, 1.0, 3.0)
NOTHING = "nan"
COLUMNS = [
    "part", "arm", "level", "rate", "bias", "seed", "layer", "first", "last", "start_dead",
    "deaths", "revivals", "ever", "back", "dead", "spells", "ended", "unmoved", "length",
    "units", "fresh", "loss", "valid", "test",
]  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Run what the record does not have yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seeds", type=int, help="networks of each kind (default: 20, small 8)")
    parser.add_argument("--small", action="store_true", help="a grid for two CPU cores: 10 minutes")
    parser.add_argument("--only", default="", metavar="PART", help="e.g. 'remedies adam'")
    options = experiment.options(__file__, __doc__, argv, parser)
    torch.set_num_threads(1)
    grid = SMALL if options.small or options.quick else FULL
    seeds = 2 if options.quick else options.seeds or grid.seeds
    settings = {**dataclasses.asdict(grid), "seeds": seeds, "valid": VALID, "test": TEST}
    lab = Lab(grid, seeds, options.device, options.quick)
    with experiment.Record(options, key=["part", "arm"], settings=settings) as record:
        units = [{"part": p, "arm": a} for p, a in lab.units()]
        for unit in record.todo(u for u in units if " ".join(u.values()).startswith(options.only)):
            rows = getattr(lab, unit["part"])(unit["arm"])
            record.add({**dict.fromkeys(COLUMNS, NOTHING), **unit, **row} for row in rows)


class Lab:
    """The data of all seeds, and one method for each part."""

    def __init__(self, grid: Grid, seeds: int, device: str, quick: bool) -> None:
        self.grid = grid
        self.seeds, self.device, self.quick = range(seeds), device, quick
        train = 1000 if quick else grid.train
        drawn = [comparison.mnist1d(1000 + s, train, VALID + TEST) for s in self.seeds]
        self.x, self.y, self.x_new, self.y_new = (
            np.stack(part) for part in zip(*drawn, strict=True)
        )

    def units(self) -> list[tuple[str, str]]:
        """(part, arm) of every unit of work."""
        found = [("lines", "learns"), ("lines", "frozen")]
        found += [("revivals", f"{arm}, learns") for arm in self.grid.rates]
        found += [("revivals", f"{arm}, frozen") for arm in ARMS]
        found += [("dose", "sgd")]
        found += [
            ("remedies", f"{optimizer}, {norm}")
            for optimizer in self.grid.deep_rates
            for norm in ("plain", "batchnorm")
        ]
        return found

    def _steps(self, steps: int) -> int:
        return 20 if self.quick else steps

    def _networks(self, widths, owners, start="he", bias=0.0, double=False):
        networks = lifelines.networks_like(widths, owners, start, bias)
        for layer in (networks.weights, networks.biases):
            for index, tensor in enumerate(layer):
                moved = tensor.detach().to(self.device, torch.float64 if double else None)
                layer[index] = moved.requires_grad_()
        return networks

    def _scores(self, networks, owners, slope=0.0, gains=None):
        """Validation and test accuracy, and for each layer which units fire on test examples."""
        like = networks.weights[0]
        slope = torch.as_tensor(slope).to(like).reshape(-1, 1, 1)
        right, fires = [], []
        with torch.no_grad():
            for part in torch.arange(networks.seeds).split(64):
                rows = [owners[i] for i in part]
                some = lifelines.part_of(networks, part.to(like.device))
                g = None if gains is None else [gain[part.to(like.device)] for gain in gains]
                s = slope if len(slope) == 1 else slope[part.to(like.device)]
                statistics = None if gains is None else []
                old = torch.as_tensor(self.x[rows]).to(like)
                lifelines.preactivations(some, old, s, g, statistics)
                new = torch.as_tensor(self.x_new[rows]).to(like)
                z = lifelines.preactivations(some, new, s, g, statistics)
                right.append(z[-1].argmax(-1).cpu().numpy() == self.y_new[rows])
                fires.append([(layer[:, VALID:] > 0).any(1).cpu().numpy() for layer in z[:-1]])
        right = np.concatenate(right)
        fires = [np.concatenate(layer) for layer in zip(*fires, strict=True)]
        return right[:, :VALID].mean(1), right[:, VALID:].mean(1), fires

    # --- parts ------------------------------------------------------------------------------------

    def lines(self, arm: str) -> list[dict]:
        """Layer 2: one row a network, and one for each dead spell of the first three."""
        steps = self._steps(250)
        owners = list(self.seeds)
        networks = self._networks([40, 64, 64, 10], owners, double=True)
        frozen = (0,) if arm == "frozen" else ()
        lines = lifelines.train(
            networks, self.x[:, :1000], self.y[:, :1000], steps, 2.5, frozen=frozen
        )
        valid, test, _ = self._scores(networks, owners)
        moved = lines.moved[1]
        counts = lifelines.counts(lines.alive[1])
        rows = [
            {
                "seed": seed,
                "layer": 2,
                "rate": 2.5,
                "level": "network",
                "loss": f"{lines.loss[-1, seed]:.4g}",
                "valid": round(valid[seed], 4),
                "test": round(test[seed], 4),
                **_counts(counts, seed),
            }
            for seed in owners
        ]
        for spell in lifelines.spells(lines.alive[1][:, :3]):
            end = steps + 1 if spell.end is None else spell.end
            own = moved[spell.start + 1 : end, spell.network, spell.unit]
            rows.append(
                {
                    "seed": spell.network,
                    "layer": 2,
                    "rate": 2.5,
                    "level": spell.unit,
                    "first": spell.start,
                    "last": NOTHING if spell.end is None else spell.end,
                    "ended": int(spell.end is not None),
                    "unmoved": int(not own.any()),
                }
            )
        return rows

    def revivals(self, arm: str) -> list[dict]:
        """Counts per rate, seed, layer and stretch of training."""
        name, first = arm.rsplit(", ", 1)
        optimizer, decay, biases_too = ARMS[name]
        grid = self.grid.hot if first == "frozen" else self.grid.rates
        rates = grid[optimizer][:2] if self.quick else grid[optimizer]
        cells = [(rate, seed) for rate in rates for seed in self.seeds]
        owners = [seed for _, seed in cells]
        stretches = self.grid.stretches if first == "learns" else self.grid.stretches[::3]
        networks = self._networks([40, 64, 64, 64, 10], owners)
        steps = self._steps(stretches[-1])
        rate = np.array([rate for rate, _ in cells])
        lines = lifelines.train(
            networks, self.x, self.y, steps, rate,
            optimizer=optimizer, decay=decay / rate, decay_biases=biases_too, batch=100,
            data_of=owners, frozen=(0,) if first == "frozen" else (), every=self.grid.every,
        )  # fmt: skip
        valid, test, fires = self._scores(networks, owners)
        rows = []
        for layer, alive in enumerate(lines.alive):
            of_network: list[list] = [[] for _ in cells]
            for spell in lifelines.spells(alive):
                of_network[spell.network].append(spell)
            for start, stop in itertools.pairwise(stretches):
                here = np.flatnonzero((lines.checks >= start) & (lines.checks <= stop))
                if len(here) < 2:
                    continue
                counts = lifelines.counts(alive[here])
                for i, (lr, seed) in enumerate(cells):
                    mine = [s for s in of_network[i] if start <= lines.checks[s.start] < stop]
                    ended = [s for s in mine if s.end is not None]
                    unmoved = [
                        not lines.moved[layer][s.start + 1 : s.end, i, s.unit].any() for s in ended
                    ]
                    rows.append(
                        {
                            "rate": lr, "seed": seed, "layer": layer + 1,
                            "first": start, "last": stop, "units": alive.shape[-1],
                            **_counts(counts, i),
                            "spells": len(mine), "ended": len(ended), "unmoved": sum(unmoved),
                            # updates that the ended spells lasted, all together
                            "length": sum(s.end - s.start for s in ended) * self.grid.every,
                            # at the end: dead on the training set, firing on some new example
                            "fresh": int((~alive[-1, i] & fires[layer][i]).sum()),
                            "loss": f"{lines.loss[here[-1], i]:.4g}",
                            "valid": round(valid[i], 4), "test": round(test[i], 4),
                        }
                    )  # fmt: skip
        return rows

    def dose(self, arm: str) -> list[dict]:
        """Dead units after 500 updates, by rate and starting bias."""
        doses, biases = (DOSES[1:3], BIASES[1:2]) if self.quick else (DOSES, BIASES)
        cells = [(rate, bias, seed) for rate in doses for bias in biases for seed in self.seeds]
        owners = [seed for *_, seed in cells]
        networks = self._networks([40, 64, 64, 10], owners)
        shift = torch.tensor([bias for _, bias, _ in cells]).to(networks.biases[0])
        with torch.no_grad():
            for offset in networks.biases[:-1]:
                offset += shift[:, None, None]
        steps = self._steps(500)
        lines = lifelines.train(
            networks, self.x, self.y, steps, [rate for rate, *_ in cells], optimizer=arm,
            batch=100, data_of=owners, every=10,
        )  # fmt: skip
        valid, test, _ = self._scores(networks, owners)
        counts = [lifelines.counts(alive) for alive in lines.alive]
        return [
            {
                "rate": rate, "bias": bias, "seed": seed, "layer": layer + 1, "last": steps,
                **_counts(counts[layer], i),
                "loss": f"{lines.loss[-1, i]:.4g}",
                "valid": round(valid[i], 4), "test": round(test[i], 4),
            }
            for layer in range(2)
            for i, (rate, bias, seed) in enumerate(cells)
        ]  # fmt: skip

    def remedies(self, arm: str) -> list[dict]:
        """Ten hidden layers: dead units (all layers together) and accuracy for each combination."""
        optimizer, norm = arm.split(", ")
        rates = self.grid.deep_rates[optimizer]
        rates = rates[1:2] if self.quick else rates
        widths = [40, *10 * [self.grid.deep_width], 10]
        cells = [
            (start, leak, rate, seed)
            for start in ("default", "he")
            for leak in (0.0, 0.01)
            for rate in rates
            for seed in self.seeds[: self.grid.deep_seeds[optimizer]]
        ]
        owners = [seed for *_, seed in cells]
        slope = np.array([leak for _, leak, _, _ in cells])
        halves = [
            self._networks(widths, [c[3] for c in cells if c[0] == start], start)
            for start in ("default", "he")
        ]
        networks = Stack(
            _joined([half.weights for half in halves]),
            _joined([half.biases for half in halves]),
            torch.relu,
        )
        gains = None
        if norm == "batchnorm":
            one = torch.ones(len(cells), 1, self.grid.deep_width).to(networks.weights[0])
            gains = [one.clone().requires_grad_() for _ in range(10)]
        steps = self._steps(self.grid.deep_steps)
        lines = lifelines.train(
            networks, self.x, self.y, steps, [cell[2] for cell in cells],
            optimizer=optimizer, batch=100, data_of=owners, slope=slope, gains=gains,
            every=10 if self.quick else 100,
        )  # fmt: skip
        valid, test, _ = self._scores(networks, owners, slope, gains)
        alive = np.concatenate(lines.alive, -1)
        counts = lifelines.counts(alive)
        return [
            {
                "level": f"{start}, {'leaky' if leak else 'relu'}", "rate": rate, "seed": seed,
                "last": steps, "units": alive.shape[-1],
                **_counts(counts, i),
                "loss": f"{lines.loss[-1, i]:.4g}",
                "valid": round(valid[i], 4), "test": round(test[i], 4),
            }
            for i, (start, leak, rate, seed) in enumerate(cells)
        ]  # fmt: skip


def _joined(groups: list[list[torch.Tensor]]) -> list[torch.Tensor]:
    return [torch.cat(two).detach().requires_grad_() for two in zip(*groups, strict=True)]


def _counts(counts: dict, network: int) -> dict:
    return {
        ("start_dead" if key == "born_dead" else key): int(count[network])
        for key, count in counts.items()
    }


if __name__ == "__main__":
    main()

"""Which products go together? Mult-VAE beside rules and closed forms, over several splits.

The embedded baskets are drawn anew for each split. Real ones are read from the file that
NUMPY_NETS_BASKETS names, in the format of `datasets.baskets.read_baskets`; with the 13,246 baskets
of a British gift shop (Chen et al. 2012, "Online Retail") the runs take about two minutes on one
core. λ of EASE and the epoch of Mult-VAE are chosen on validation baskets, as were its settings, on
the first split. Writes runs/benchmarks/association.csv.
"""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import timing
from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes import BASKETS
from numpy_nets.cli.recipes.baskets import NAME, BasketSettings, Fitted, fitted, places, scorer
from numpy_nets.cli.runs.baskets import divided
from numpy_nets.cli.runs.data import Images
from numpy_nets.datasets.baskets import load_data, read_baskets
from numpy_nets.evaluation.recall import hold_out, recall_at

# The networks of the paper; on validation baskets less weight of the KL than its 0.2 is better.
REAL = BasketSettings(hidden=600, latent=200, batch_size=500, beta=0.02, anneal=2000, epochs=50)


class Result(NamedTuple):
    """Recall of each test basket of a split (n,), and the seconds that the method was fitted in."""

    values: Array
    seconds: float


def run(*, smoke: bool = False) -> None:
    """Compare on embedded baskets, and on those of a file if one is named."""
    rows = ["data,split,method,recall,standard_error,seconds"]
    n, settings = (600, BasketSettings(epochs=2)) if smoke else (6000, BasketSettings())
    splits = [divided(load_data(n, seed), seed) for seed in range(2 if smoke else 10)]
    rows += compare("embedded", splits, settings)
    if not smoke and (path := os.environ.get("NUMPY_NETS_BASKETS")):
        baskets = read_baskets(path)
        rows += compare(Path(path).stem, [divided(baskets, seed) for seed in range(3)], REAL)
    timing.OUT.mkdir(parents=True, exist_ok=True)
    (timing.OUT / "association.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def compare(name: str, splits: list[Images], settings: BasketSettings) -> list[str]:
    """Print the table of all methods, and return its figures as rows of a CSV file."""
    rows, results = [], []
    for seed, data in enumerate(splits):
        results.append(one_split(data, settings, seed))
        for method, (values, seconds) in results[-1].items():
            error = standard_error(values)
            rows.append(f"{name},{seed},{method},{values.mean():.4f},{error:.4f},{seconds:.2f}")
            print(rows[-1], flush=True)
    tests = f"{len(results[0][NAME].values):,} test baskets"
    print(f"\n{name}: Recall@{places(splits[0])}, {len(splits)} splits, {tests} each\n")
    print("| | mean ± standard error over the splits | less that of EASE | seconds |")
    print("|---|---|---|---|")
    ease = means(results, "EASE")
    for method in results[0]:
        values, less = means(results, method), means(results, method) - ease
        seconds = np.mean([split[method].seconds for split in results])
        print(
            f"| {method} | {values.mean():.3f} ± {standard_error(values):.3f} | "
            f"{less.mean():+.3f} ± {standard_error(less):.3f} | {seconds:.2f} |"
        )
    print()
    return rows


def means(results: list[dict[str, Result]], method: str) -> Array:
    """The mean recall in each split."""
    return np.array([split[method].values.mean() for split in results])


def standard_error(values: Array) -> float:
    """That of the mean of the values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def one_split(data: Images, settings: BasketSettings, seed: int) -> dict[str, Result]:
    """All methods, by name, on the test baskets of a split."""
    methods = {name.split(",")[0]: method for name, method in fitted(data).items()}
    methods[NAME] = trained(data, settings, seed)
    given, held_out = hold_out(data.x_test, 0)
    results = {}
    for name, (score, seconds) in methods.items():
        assert seconds is not None
        values = recall_at(score(given), given, held_out, places(data))
        results[name] = Result(values, seconds)
    return results


def trained(data: Images, settings: BasketSettings, seed: int) -> Fitted:
    """Mult-VAE after the epoch that is best on the validation baskets."""
    random.set_random_seed(seed)
    settings = settings.on(data)
    model = BASKETS.build(settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        callbacks = BASKETS.callbacks(model, data, settings, folder)

        def fit() -> None:
            BASKETS.fit(
                model, data, settings, epochs=settings.epochs, verbose=0, callbacks=callbacks
            )

        seconds = timing.timed(fit)()
        BASKETS.finish(model, folder)
    return Fitted(scorer(model), seconds)

"""python -m benchmarks [name …]: run benchmarks; without names all, the -speed ones in `table`."""

import argparse
import os
from collections.abc import Callable
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import (
    aevb_figure2,
    association,
    autoencoder_convergence,
    clustering,
    communication,
    gan_1d,
    gan_grid,
    gan_parzen,
    gan_ring,
    gan_seeds,
    growth,
    large_file,
    reduction,
    sgan_mnist,
    speed,
    start_up,
    table,
    vae_convergence,
    vae_epochs,
    vae_nll,
)
from benchmarks.work import WORKLOADS

PARTS: dict[str, Callable[..., object]] = {
    f"{name.replace('_', '-')}-speed": partial(speed.run, (name,)) for name in WORKLOADS
} | {"start-up": start_up.run}

BENCHMARKS: dict[str, Callable[..., object]] = {
    "table": table.run,
    "growth": growth.run,
    "large-file": large_file.run,
    "communication": communication.run,
    "autoencoder-convergence": autoencoder_convergence.run,
    "vae-convergence": vae_convergence.run,
    "vae-epochs": vae_epochs.run,
    "vae-nll": vae_nll.run,
    "aevb-figure2": aevb_figure2.run,
    "gan-1d": gan_1d.run,
    "gan-parzen": gan_parzen.run,
    "cgan-parzen": gan_parzen.run_conditional,
    "sgan-mnist": sgan_mnist.run,
    "clustering": clustering.run,
    "clustering-mnist": clustering.run_mnist,
    "association": association.run,
    "gan-ring": gan_ring.run,
    "gan-grid": gan_grid.run,
    "gan-seeds": gan_seeds.run,
    "reduction": reduction.run,
}


def main() -> None:
    known = PARTS | BENCHMARKS
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(known))
    parser.add_argument("--smoke", action="store_true", help="seconds only: does it still run?")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in known:
            parser.error(f"unknown benchmark {name!r}; known: {', '.join(known)}")
    for name in arguments.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        known[name](smoke=arguments.smoke)


if __name__ == "__main__":
    main()

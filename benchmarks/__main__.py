"""python -m benchmarks [name …]: run benchmarks; all of them by default."""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import autoencoder_convergence, autoencoder_speed, vae_convergence

BENCHMARKS = {
    "autoencoder-speed": autoencoder_speed,
    "autoencoder-convergence": autoencoder_convergence,
    "vae-convergence": vae_convergence,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--smoke", action="store_true", help="seconds only: does it still run?")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f"unknown benchmark {name!r}; known: {', '.join(BENCHMARKS)}")
    for name in arguments.names or BENCHMARKS:
        print(f"== {name}: {(BENCHMARKS[name].__doc__ or '').splitlines()[0]}")
        BENCHMARKS[name].run(smoke=arguments.smoke)


if __name__ == "__main__":
    main()

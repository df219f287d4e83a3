"""numpy-nets train autoencoder."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import __version__, random
from numpy_nets.cli.arguments import Parser, number
from numpy_nets.cli.data import NAMES, Images, load_images
from numpy_nets.cli.progress import TrainingBar
from numpy_nets.cli.run import (
    Run,
    StopOnDivergence,
    StopOnInterrupt,
    Stopped,
    free_folder,
    read_settings,
)
from numpy_nets.evaluation.clustering import kmeans_purity
from numpy_nets.evaluation.pca import fit_pca
from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam

DEFAULTS: dict[str, Any] = {
    "data": "digits", "epochs": 30, "batch_size": 32, "latent": 64, "learning_rate": 1e-3,
    "seed": 0,
}  # fmt: skip


def _parser() -> Parser:
    parser = Parser(
        prog="numpy-nets train autoencoder",
        description="Train an autoencoder with one hidden layer, and compare it with PCA.",
    )
    known = ", ".join(NAMES)
    parser.add_argument("--data", help=f"{known}, or a .npz, .npy or IDX file (default: digits)")
    for name, kind, least, above, text in (
        ("--epochs", int, 1, False, "passes over the data"),
        ("--batch-size", int, 1, False, "samples a step"),
        ("--latent", int, 1, False, "length of a code"),
        ("--learning-rate", float, 0, True, "of Adam, at most 1"),
        ("--seed", int, 0, False, "of initial weights and shuffling"),
    ):
        default = DEFAULTS[name[2:].replace("-", "_")]
        parser.add_argument(
            name,
            type=number(kind, least, above=above, most=1 if kind is float else 2**31 - 1),
            help=f"{text} (default: {default})",
        )
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/autoencoder-…)")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the stopped run in the folder --out"
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Train, draw, compare; returns the exit code."""
    arguments = _parser().parse(argv)
    given = {k: v for k in DEFAULTS if (v := getattr(arguments, k)) is not None}
    if arguments.resume:
        if arguments.out is None:
            raise ValueError("--resume: needs the folder of the run: --out DIR")
        before = read_settings(arguments.out, DEFAULTS)
        settings = {**{name: before[name] for name in DEFAULTS}, **given}
    else:
        settings = {**DEFAULTS, **given}
    if Path(settings["data"]).exists() and settings["data"] not in NAMES:
        settings["data"] = str(Path(settings["data"]).resolve())
    data = load_images(settings["data"])
    settings |= {
        "model": "autoencoder", "image_shape": list(data.image_shape), "data_sha256": data.sha256,
        "version": __version__,
    }  # fmt: skip
    random.set_random_seed(settings["seed"])
    model, encoder = build_autoencoder(data.x_train.shape[1], settings["latent"])
    model.compile(optimizer=Adam(settings["learning_rate"]), loss="binary_crossentropy")

    folder = arguments.out or free_folder(f"autoencoder-{Path(settings['data']).stem}")
    run = Run(folder, settings, resume=arguments.resume)
    if arguments.resume:
        run.restore(model)
        if run.epoch > settings["epochs"]:
            raise ValueError(f"--epochs {settings['epochs']}: the run has {run.epoch} already")
        run.write_settings(settings)
    print(f"{len(data.x_train)} training and {len(data.x_test)} test images; run folder {folder}")
    if run.epoch < settings["epochs"]:
        try:
            _train(model, data, run, settings)
        except (Stopped, KeyboardInterrupt):
            print(
                f"stopped: {run.epoch} of {settings['epochs']} epochs are kept; go on with: "
                f"numpy-nets train autoencoder --out {folder} --resume",
                file=sys.stderr,
            )
            return 130
    _report(model, encoder, data, run, settings)
    return 0


def _train(model: Model, data: Images, run: Run, settings: dict[str, Any]) -> None:
    bar = TrainingBar(run.epoch)
    with StopOnInterrupt() as stop:
        try:
            model.fit(
                data.x_train,
                data.x_train,
                batch_size=settings["batch_size"],
                epochs=settings["epochs"],
                initial_epoch=run.epoch,
                verbose=0,
                callbacks=[StopOnDivergence(), *run.callbacks(), bar, stop],
                validation_data=(data.x_test, data.x_test),
            )
        finally:
            bar.close()


def _report(
    model: Model, encoder: Model, data: Images, run: Run, settings: dict[str, Any]
) -> None:
    """Pictures of the curves and reconstructions, and a table beside PCA."""
    from rich.console import Console
    from rich.table import Table

    model.save_weights(run.folder / "autoencoder.weights.h5")
    save_curves(run.folder / "curves.png", run.history(), "binary crossentropy, nats per pixel")
    reconstructed = model.predict(data.x_test, batch_size=1000, verbose=0)
    if len(data.image_shape) == 2:
        n = min(20, len(data.x_test))
        shape = (n, *data.image_shape)
        save_reconstructions(
            run.folder / "reconstructions.png",
            data.x_test[:n].reshape(shape),
            reconstructed[:n].reshape(shape),
        )

    pca = fit_pca(data.x_train, min(settings["latent"], data.x_train.shape[1]))
    rows = [
        ("autoencoder", reconstructed, encoder.predict(data.x_test, batch_size=1000, verbose=0)),
        ("PCA", np.clip(pca.reconstruct(data.x_test), 0, 1), pca.encode(data.x_test)),
    ]
    table = Table(title=f"{len(data.x_test)} test images, {settings['latent']} numbers a code")
    for column in ("", "crossentropy", "squared error", "k-means purity"):
        table.add_column(column, justify="right" if column else "left")
    loss = BinaryCrossentropy()
    for name, images, codes in rows:
        purity = "-" if data.y_test is None else f"{kmeans_purity(codes, data.y_test):.3f}"
        error = float(np.mean((images - data.x_test) ** 2))
        table.add_row(name, f"{float(loss(data.x_test, images)):.4f}", f"{error:.5f}", purity)
    console = Console()
    console.print(table)
    console.print("Crossentropy (the test loss) and squared error: means over all pixels.")
    for file in sorted(run.folder.iterdir()):
        console.print(f"  {file}", highlight=False)

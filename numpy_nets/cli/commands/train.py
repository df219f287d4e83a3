"""numpy-nets train MODEL: train it, draw it, and compare it with simpler models."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.cli.arguments import Command, Parser, dispatch
from numpy_nets.cli.recipes import ALL, GAN2D
from numpy_nets.cli.recipes.recipe import Recipe
from numpy_nets.cli.runs.binarize import binarized
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.files import locked
from numpy_nets.cli.runs.page import write_page
from numpy_nets.cli.runs.points import are_points
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.runs.progress import TrainingBar
from numpy_nets.cli.runs.run import Run, new_folder, read_settings, training_seconds
from numpy_nets.cli.runs.stops import Diverged, StopOnDivergence, StopOnInterrupt, Stopped
from numpy_nets.cli.runs.threads import blas_threads
from numpy_nets.cli.settings import Settings
from numpy_nets.network import Model


def main(argv: Sequence[str]) -> int:
    """Train the model that argv names; returns the exit code."""
    commands = {name: Command(r.help, partial(train, r)) for name, r in ALL.items()}
    return dispatch("numpy-nets train", "Train a model.", commands, argv)


def train(recipe: Recipe[Any, Any], argv: Sequence[str]) -> int:
    """Train a model in a new folder, or go on with a run; returns the exit code."""
    recipe = _for_data(recipe, argv)
    arguments = _parser(recipe).parse(argv)
    if arguments.resume:
        if arguments.out is None:
            raise ValueError("--resume: needs the folder of the run: --out DIR")
        read_settings(arguments.out, recipe)  # fails before anything is written into the folder
        with locked(arguments.out):
            settings = read_settings(arguments.out, recipe)
            prepared = _prepared(recipe, replace(settings, **settings.given(arguments)))
            return _train(recipe, *prepared, arguments.out, resume=True)
    settings = recipe.settings()
    prepared = _prepared(recipe, replace(settings, **settings.given(arguments)))
    stem = f"{recipe.name}-{Path(prepared[0].data).stem}"
    folder = arguments.out or new_folder(Path("runs"), stem)
    with locked(folder):
        return _train(recipe, *prepared, folder, resume=False)


def _for_data(recipe: Recipe[Any, Any], argv: Sequence[str]) -> Recipe[Any, Any]:
    """The recipe, or that of GANs in the plane if a GAN is to learn points rather than images."""
    parser = Parser(add_help=False)
    parser.add_argument("--data")
    data = parser.parse_known_args(argv)[0].data
    if recipe.name == "gan" and data is not None and are_points(data):
        return GAN2D
    return recipe


def _prepared(recipe: Recipe[Any, Any], settings: Settings) -> tuple[Settings, Images, Model]:
    """The settings completed by what is known of the data, the data, and the untrained model."""
    if Path(settings.data).exists() and settings.data not in recipe.named_data:
        settings = replace(settings, data=str(Path(settings.data).resolve()))
    data = recipe.load(settings.data)
    settings = settings.on(data)
    data = binarized(data, settings.binarize, settings.seed)
    random.set_random_seed(settings.seed)
    return settings, data, recipe.build(settings)


def _train(
    recipe: Recipe[Any, Any], settings: Settings, data: Images, model: Model, folder: Path,
    *, resume: bool,
) -> int:  # fmt: skip
    run = Run(folder, recipe, settings, resume=resume)
    run.restore(model)
    if run.epoch > settings.epochs:
        raise ValueError(f"--epochs {settings.epochs}: the run has {run.epoch} already")
    run.begin()
    valid = "" if data.x_valid is None else f", {len(data.x_valid)} validation"
    print(f"{len(data.x_train)} training{valid} and {len(data.x_test)} test {recipe.things}; "
          f"run folder {folder}")  # fmt: skip
    if run.epoch < settings.epochs and not recipe.ended(run.history, settings):
        _warn_of_threads(run)
        try:
            _fit(recipe, model, data, run, settings)
        except (Stopped, KeyboardInterrupt):
            print(
                f"stopped: {run.epoch} of {settings.epochs} epochs are kept; go on with: "
                f"numpy-nets train {recipe.name} --out {folder} --resume",
                file=sys.stderr,
            )
            return 130
        except Diverged as error:
            if run.epoch == 0:  # then the folder can be used again
                raise
            kept = f"and another --out: {folder} keeps {run.epoch} epochs"
            raise Diverged(f"{error} {kept}") from None
    if run.epoch < settings.epochs:
        print(f"ended after {run.epoch} epochs: {recipe.ended(run.history, settings)}")
        settings = run.end()
    _report(recipe, model, data, run, settings)
    return 0


def _warn_of_threads(run: Run) -> None:
    now = blas_threads()
    if run.threads not in (None, now):
        print(
            f"warning: {run.folder}: the number of BLAS threads was {run.threads}, now {now}: the "
            "weights may differ in their last bits from those of a run that was never stopped "
            "(OPENBLAS_NUM_THREADS sets the number)",
            file=sys.stderr,
        )


def _parser(recipe: Recipe[Any, Any]) -> Parser:
    parser = Parser(prog=f"numpy-nets train {recipe.name}", description=f"Train {recipe.help}.")
    recipe.settings.add_flags(parser)
    parser.add_argument(
        "--out", type=Path, help=f"folder of the run (default: runs/{recipe.name}-…)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the stopped run in the folder --out"
    )
    return parser


def _fit(
    recipe: Recipe[Any, Any], model: Model, data: Images, run: Run, settings: Settings
) -> None:
    bar = TrainingBar(recipe.shown, run.epoch)
    # Overflows need no warnings of NumPy's: StopOnDivergence reports them, once.
    with StopOnInterrupt() as stop, np.errstate(all="ignore"):
        try:
            recipe.fit(
                model,
                data,
                settings,
                epochs=settings.epochs,
                initial_epoch=run.epoch,
                verbose=0,
                callbacks=[
                    StopOnDivergence(),
                    *run.callbacks(recipe.callbacks(model, data, settings, run.folder)),
                    bar,
                    stop,
                ],
            )
        finally:
            bar.close()


def _report(
    recipe: Recipe[Any, Any], model: Model, data: Images, run: Run, settings: Settings
) -> None:
    """Write the weights, print the table that `evaluate` prints, draw the pictures, and write the
    page of the run.
    """
    recipe.finish(model, run.folder)
    model.save_weights(run.folder / recipe.weights_file)
    recipe.draw_curves(run.history, settings, run.folder)
    random.set_random_seed(settings.seed)
    printed = Printed(training_seconds(run.folder, settings.epochs))
    recipe.print_table(model, data, settings, None, 1000, printed)
    recipe.draw(model, data, settings, run.folder)
    write_page(run.folder, recipe, model, data, settings, printed)
    for file in sorted(run.folder.glob("[!.]*")):
        print(f"  {file}")

"""numpy-nets train MODEL: train it, draw it, and compare it with simpler models.

`mpiexec -n 4 numpy-nets train MODEL` runs this in four processes, which train together: see
`distributed`. Rank 0 does what a single process does. The others read the data from the same path,
as they are large, and every machine can read its own copy; rank 0 sends them the settings and the
state of the model. They keep nothing.
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from numpy_nets import distributed, random
from numpy_nets.callbacks import Callback
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

TRAIN = "Train a model. mpiexec -n 4 numpy-nets train … trains it in four processes together."


def main(argv: Sequence[str]) -> int:
    """Train the model that argv names; returns the exit code."""
    commands = {name: Command(r.help, partial(train, r)) for name, r in ALL.items()}
    return dispatch("numpy-nets train", TRAIN, commands, argv)


def train(recipe: Recipe[Any, Any], argv: Sequence[str]) -> int:
    """Train a model in a new folder, or go on with a run; returns the exit code."""
    recipe = _for_data(recipe, argv)
    arguments = _parser(recipe).parse(argv)
    if distributed.rank() > 0:
        return _follow(recipe)
    if arguments.resume:
        if arguments.out is None:
            raise ValueError("--resume: needs the folder of the run: --out DIR")
        read_settings(arguments.out, recipe)  # fails before anything is written into the folder
        with locked(arguments.out):
            settings = read_settings(arguments.out, recipe)
            settings = replace(settings, **settings.given(arguments))
            prepared = _prepared(recipe, _sent(recipe, settings))
            return _train(recipe, *prepared, arguments.out, resume=True)
    settings = recipe.settings()
    settings = replace(settings, **settings.given(arguments))
    prepared = _prepared(recipe, _sent(recipe, settings))
    stem = f"{recipe.name}-{Path(prepared[0].data).stem}"
    folder = arguments.out or new_folder(Path("runs"), stem)
    with locked(folder):
        return _train(recipe, *prepared, folder, resume=False)


def _sent(recipe: Recipe[Any, Any], settings: Settings) -> Settings:
    """The settings, which the other ranks have got, too, if there are any."""
    world = distributed.world()
    if world is not None:
        recipe.check_shareable(settings)
        if settings.batch_size < world.size:
            raise ValueError(
                f"--batch-size {settings.batch_size}: expected at least one sample for each of "
                f"{world.size} ranks"
            )
        world.broadcast(settings)
    return settings


def _follow(recipe: Recipe[Any, Any]) -> int:
    """What a rank other than 0 does."""
    world = distributed.world()
    assert world is not None
    settings, data, model = _prepared(recipe, world.broadcast(None))
    first, epoch = world.broadcast(None)
    if not settings.same_data(first):
        raise ValueError(f"--data {settings.data}: expected the data of rank 0, got others")
    if epoch < settings.epochs:
        with TemporaryDirectory() as scratch:  # for pictures that callbacks draw on the way
            callbacks = recipe.callbacks(model, data, settings, Path(scratch))
            try:
                _fit(recipe, model, data, settings, epoch, callbacks)
            except (Stopped, KeyboardInterrupt):
                return 130
    return 0


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
    ended = bool(recipe.ended(run.history, settings))
    world = distributed.world()
    if world is not None:
        world.broadcast((settings, settings.epochs if ended else run.epoch))
    if run.epoch < settings.epochs and not ended:
        _warn_of_other_sums(run)
        bar = TrainingBar(recipe.shown, run.epoch)
        own = run.callbacks(recipe.callbacks(model, data, settings, run.folder))
        try:
            with closing(bar):
                _fit(recipe, model, data, settings, run.epoch, [*own, bar])
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


def _warn_of_other_sums(run: Run) -> None:
    for what, before, now, how in (
        ("BLAS threads", run.threads, blas_threads(), "OPENBLAS_NUM_THREADS sets the number"),
        ("ranks", run.ranks, distributed.size(), "mpiexec -n sets the number"),
    ):
        if before not in (None, now):
            print(
                f"warning: {run.folder}: the number of {what} was {before}, now {now}: the weights "
                f"may differ in their last bits from those of a run that was never stopped ({how})",
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
    recipe: Recipe[Any, Any], model: Model, data: Images, settings: Settings, epoch: int,
    callbacks: Sequence[Callback],
) -> None:  # fmt: skip
    world = distributed.world()
    # Overflows need no warnings of NumPy's: StopOnDivergence reports them, once.
    with (
        distributed.all_ranks(model),
        StopOnInterrupt(world) as stop,
        np.errstate(all="ignore"),
    ):
        recipe.fit(
            model,
            data,
            settings,
            epochs=settings.epochs,
            initial_epoch=epoch,
            verbose=0,
            callbacks=[StopOnDivergence(), *callbacks, stop],
        )


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

"""numpy-nets train MODEL: what the training of every model has in common."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numpy_nets import __version__, random
from numpy_nets.cli.arguments import Parser
from numpy_nets.cli.recipes.recipe import Recipe, Settings
from numpy_nets.cli.runs.binarize import binarized
from numpy_nets.cli.runs.data import NAMES, Images, load_images
from numpy_nets.cli.runs.progress import TrainingBar
from numpy_nets.cli.runs.run import (
    Run,
    StopOnDivergence,
    StopOnInterrupt,
    Stopped,
    check_settings,
    free_path,
    read_settings,
)
from numpy_nets.figures.curves import save_curves
from numpy_nets.network import Model


def train(recipe: Recipe, argv: Sequence[str]) -> int:
    """Train, draw, compare; returns the exit code."""
    arguments = _parser(recipe).parse(argv)
    given = {o.name: v for o in recipe.options if (v := getattr(arguments, o.name)) is not None}
    settings = {o.name: o.default for o in recipe.options}
    if arguments.resume:
        if arguments.out is None:
            raise ValueError("--resume: needs the folder of the run: --out DIR")
        settings = _settings_before(recipe, arguments.out)
    settings |= given
    if Path(settings["data"]).exists() and settings["data"] not in NAMES:
        settings["data"] = str(Path(settings["data"]).resolve())
    data = load_images(settings["data"])
    settings |= {
        "model": recipe.name, "image_shape": list(data.image_shape), "classes": data.classes,
        "data_sha256": data.sha256, "version": __version__,
    }  # fmt: skip
    data = binarized(data, settings.get("binarize", "none"), settings["seed"])
    random.set_random_seed(settings["seed"])
    model = recipe.build(settings)

    stem = f"{recipe.name}-{Path(settings['data']).stem}"
    folder = arguments.out or free_path(Path("runs"), stem)
    run = Run(folder, settings, resume=arguments.resume)
    if arguments.resume:
        run.restore(model)
        if run.epoch > settings["epochs"]:
            raise ValueError(f"--epochs {settings['epochs']}: the run has {run.epoch} already")
        run.write_settings(settings)
    valid = "" if data.x_valid is None else f", {len(data.x_valid)} validation"
    print(f"{len(data.x_train)} training{valid} and {len(data.x_test)} test images; "
          f"run folder {folder}")  # fmt: skip
    if run.epoch < settings["epochs"]:
        try:
            _fit(recipe, model, data, run, settings)
        except (Stopped, KeyboardInterrupt):
            print(
                f"stopped: {run.epoch} of {settings['epochs']} epochs are kept; go on with: "
                f"numpy-nets train {recipe.name} --out {folder} --resume",
                file=sys.stderr,
            )
            return 130
    _report(recipe, model, data, run, settings)
    return 0


def _parser(recipe: Recipe) -> Parser:
    parser = Parser(prog=f"numpy-nets train {recipe.name}", description=f"Train {recipe.help}.")
    for option in recipe.options:
        option.add_to(parser)
    parser.add_argument(
        "--out", type=Path, help=f"folder of the run (default: runs/{recipe.name}-…)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the stopped run in the folder --out"
    )
    return parser


def _settings_before(recipe: Recipe, folder: Path) -> Settings:
    before = read_settings(folder)
    if before.get("model", recipe.name) != recipe.name:
        raise ValueError(f"--resume {folder}: holds a run of {before['model']}, not {recipe.name}")
    check_settings(folder, before, recipe.options)
    return {option.name: before[option.name] for option in recipe.options}


def _fit(recipe: Recipe, model: Model, data: Images, run: Run, settings: Settings) -> None:
    bar = TrainingBar(recipe.shown, run.epoch)
    # What overflows is reported once, by StopOnDivergence.
    with StopOnInterrupt() as stop, np.errstate(all="ignore"):
        try:
            recipe.fit(
                model,
                data,
                settings,
                epochs=settings["epochs"],
                initial_epoch=run.epoch,
                verbose=0,
                callbacks=[
                    StopOnDivergence(),
                    *recipe.callbacks(model, data, settings, run.folder),
                    *run.callbacks(),
                    bar,
                    stop,
                ],
            )
        finally:
            bar.close()


def _report(recipe: Recipe, model: Model, data: Images, run: Run, settings: Settings) -> None:
    """Weights, a table, the one that `evaluate` prints, and pictures."""
    model.save_weights(run.folder / recipe.weights_file)
    for name, (curves, unit) in recipe.curves(run.history()).items():
        save_curves(run.folder / name, curves, unit)
    random.set_random_seed(settings["seed"])
    recipe.print_table(model, data, settings, None, 1000)
    recipe.draw(model, data, run.folder)
    for file in sorted(run.folder.iterdir()):
        print(f"  {file}")

"""numpy-nets explain MODEL | RUN: one training step as a page, record by record."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff import GradientTape, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.cli.arguments import Parser, number
from numpy_nets.cli.recipes import ALL
from numpy_nets.cli.recipes.recipe import Recipe
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.run import free_path
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.cli.settings import Settings
from numpy_nets.models.gan import GAN
from numpy_nets.models.terms import TermModel, total
from numpy_nets.naming import lookup


def main(argv: Sequence[str]) -> int:
    """Write the page, or for a GAN that of D's step and that of G's; returns the exit code."""
    parser = Parser(
        prog="numpy-nets explain",
        description="One training step as a page: the program forwards, then the chain rule "
        "backwards, a record at a time, with every derivative beside a finite difference.",
    )
    parser.add_argument(
        "what", metavar="MODEL | RUN",
        help=f"an untrained model ({', '.join(ALL)}), or the folder of a run",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=number(int, 2, most=1000), default=16,
        help="images in the batch (default: 16)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="folder of the page (default: this one)")
    arguments = parser.parse(argv)
    recipe, model, data, settings = _model(arguments.what)
    batch = as_tensors(recipe.example(model, data, settings, arguments.images))
    folder = arguments.out or Path(".")
    folder.mkdir(parents=True, exist_ok=True)
    for stem, title, tape, target, sources in steps(model, batch):
        path = free_path(folder, f"{stem}-{recipe.name}", ".html")
        tape.save_page(path, target, sources, f"{title} of {arguments.what}")
        print(f"written: {path}, open it in a browser")
    return 0


def _model(what: str) -> tuple[Recipe[Any, Any], Any, Images, Settings]:
    """A model, trained if `what` is the folder of a run, and its data."""
    if Path(what).is_dir():
        run = load_saved(Path(what))
        return run.recipe, run.model, run.images(), run.settings
    recipe = lookup("explain: MODEL | RUN", what, ALL)
    settings = recipe.settings()
    data = recipe.load(settings.data)
    settings = settings.on(data)
    random.set_random_seed(settings.seed)
    return recipe, recipe.build(settings), data, settings


def steps(
    model: Any, batch: Any
) -> Iterator[tuple[str, str, GradientTape, Tensor, Sequence[Tensor]]]:
    """(name, title, tape, loss, variables) of each update of a training step; none is taken."""
    if isinstance(model, GAN):
        real = model.given(batch)
        z = model.latent(real)
        examples = model.examples(real, z, training=True)
        with GradientTape() as tape:
            loss = total(model.judge(examples, training=True)[1])
        yield "discriminator", "D's step", tape, loss, model.discriminator.trainable_variables
        with GradientTape() as tape:
            loss = total(model.g_terms(z, training=True))
        yield "generator", "G's step", tape, loss, model.g_variables()
        return
    with GradientTape() as tape:
        if isinstance(model, TermModel):
            given = model.given(batch)
            loss = total(model.terms(given, model.draw_noise(given)))
        else:
            x, y = batch
            loss = model.compute_loss(x, y, model(x, training=True))
    yield "step", "A step", tape, loss, model.trainable_variables


def as_tensors(batch: Any) -> Any:
    """The arrays of a batch as the tensors that `fit` makes of them."""
    if isinstance(batch, tuple | list):
        return type(batch)(as_tensors(part) for part in batch)
    return ops.convert_to_tensor(batch)

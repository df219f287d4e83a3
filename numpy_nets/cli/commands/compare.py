"""numpy-nets compare RUN RUN …: models of the same data beside each other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Parser, png
from numpy_nets.cli.recipes.autoencoder import purity, squared_error
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.run import free_path
from numpy_nets.cli.runs.saved import Saved, load_saved
from numpy_nets.evaluation.classifier import train_classifier
from numpy_nets.evaluation.probe import linear_probe
from numpy_nets.evaluation.samples import frechet_distance, mode_coverage
from numpy_nets.figures.images import save_images

LABELS = 100  # that the probe is given
SAMPLES = 1000
SHOWN = 10  # images of each run in the picture


def main(argv: Sequence[str]) -> int:
    """Print one table of several runs, and draw a sheet of them; returns the exit code."""
    parser = Parser(
        prog="numpy-nets compare", description="Models of the same data beside each other."
    )
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--out", type=png, help="a new picture (default: comparison-….png)")
    arguments = parser.parse(argv)
    runs = [load_saved(folder) for folder in arguments.runs]
    if len(runs) < 2:
        raise ValueError(f"compare: expected two runs or more, got {arguments.runs[0]} alone")
    first = runs[0]
    for run in runs[1:]:
        if not run.settings.same_data(first.settings):
            raise ValueError(
                f"compare: expected runs of the same data, got {first.settings.data} in "
                f"{first.folder} and {run.settings.data} in {run.folder}"
            )
    images = [run.images() for run in runs]
    columns = {str(run.folder): column(run, data) for run, data in zip(runs, images, strict=True)}
    print_columns(columns, first.settings.data)
    if first.settings.drawable:
        save_sheet(runs, images[0], arguments.out or free_path(Path(), "comparison", ".png"))
    return 0


def column(run: Saved, data: Images) -> dict[str, str]:
    """What the table says of a run: text by the name of the row, "–" where a model has none."""
    codes = encoded(run, data.x_test, data.y_test)
    seconds = run.seconds()
    rows = {
        "model": run.recipe.name,
        "parameters": f"{parameters(run):,}",
        "seconds of training": "–" if seconds is None else f"{seconds:,.1f}",
    }
    rows["squared error of a pixel"] = rows["k-means purity of the codes"] = "–"
    if codes is not None:
        images = run.recipe.decode(run.model, codes, data.y_test)
        rows["squared error of a pixel"] = f"{squared_error(data.x_test, images):.5f}"
        rows["k-means purity of the codes"] = purity(codes, data.y_test)
    rows[f"linear probe with {LABELS} labels"] = probe(run, data, codes)
    return rows | samples(run, data) | run.recipe.compared(run.model, data)


def parameters(run: Saved) -> int:
    """The trained weights, without an average of them."""
    return sum(int(np.prod(v.shape)) for v in run.model.trainable_variables)


def encoded(run: Saved, x: Array, y: Array | None) -> Array | None:
    """Codes (n, latent), or None for a model without an encoder."""
    try:
        return run.recipe.encode(run.model, x, y)
    except NotImplementedError:
        return None


def probe(run: Saved, data: Images, codes: Array | None) -> str:
    """The accuracy of a linear classifier of codes that is given a few labels of each class."""
    y = data.y_train
    if codes is None or y is None or data.y_test is None or not 2 <= data.classes <= LABELS:
        return "–"
    rng = np.random.default_rng(0)
    each = LABELS // data.classes
    chosen = np.concatenate([
        rng.permutation(np.flatnonzero(y == label))[:each] for label in range(data.classes)
    ])  # fmt: skip
    few = encoded(run, data.x_train[chosen], y[chosen])
    assert few is not None
    return f"{linear_probe(few, y[chosen], codes, data.y_test):.1%}"


def samples(run: Saved, data: Images) -> dict[str, str]:
    """How many classes the model's own images cover, and how far they are from training images."""
    rows = {"classes of its samples": "–", "Fréchet distance of its samples": "–"}
    if data.y_train is None or not 2 <= data.classes <= 1000:
        return rows
    try:
        new = run.recipe.sample(run.model, SAMPLES, None)
    except ValueError:
        return rows
    classifier, features = train_classifier(data.x_train, data.y_train)
    sets = [features.predict(x, batch_size=1000, verbose=0) for x in (new, data.x_train)]
    rows["classes of its samples"] = f"{mode_coverage(classifier, new).classes} of {data.classes}"
    rows["Fréchet distance of its samples"] = f"{frechet_distance(*sets):.2f}"
    return rows


def print_columns(columns: dict[str, dict[str, str]], data: str) -> None:
    """One column a run."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"runs on {data}")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    for row in next(iter(columns.values())):
        table.add_row(row, *(column[row] for column in columns.values()))
    console = Console()
    console.print(table)
    console.print("A conditional model is told the labels of what it encodes.")


def save_sheet(runs: Sequence[Saved], data: Images, path: Path) -> None:
    """Test images, and a row for each run: their reconstructions, or samples if it has none."""
    rows, labels = [data.x_test[:SHOWN]], ["test images"]
    for run in runs:
        y = None if data.y_test is None else data.y_test[:SHOWN]
        codes = encoded(run, data.x_test[:SHOWN], y)
        if codes is None:
            rows.append(run.recipe.sample(run.model, SHOWN, None))
        else:
            rows.append(run.recipe.decode(run.model, codes, y))
        labels.append(f"{run.folder.name}{'' if codes is not None else ', samples'}")
    images = np.concatenate(rows).reshape(-1, *runs[0].settings.image_shape)
    save_images(path, images, SHOWN, "test images, and what the runs make of them",
                row_labels=labels)  # fmt: skip
    print(f"written: {path}")

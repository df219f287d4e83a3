"""index.html of a run folder: what the run was, how good its model is, and a latent playground.

The page has no times and no paths but that of the data, so that a resumed run has the very same.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from numpy_nets import pages
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes.recipe import Recipe
from numpy_nets.cli.runs.data import Images, drawable
from numpy_nets.cli.runs.files import write_whole
from numpy_nets.cli.runs.inference import Network, as_base64
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.runs.run import HISTORY, PAGE, read_document
from numpy_nets.cli.runs.tables import read_table
from numpy_nets.cli.settings import Settings
from numpy_nets.evaluation.pca import fit_pca
from numpy_nets.pages.curves import curves

# Weights in a page, 5.3 bytes each: of the decoder alone, and of both networks. Those of a VAE of
# MNIST's images are 644,804.
MOST, MOST_TOGETHER = 2_000_000, 650_000
SHOWN, SLIDERS = 16, 20

_CAPTIONS = {
    "reconstructions": "Test images above their reconstructions",
    "samples": "New images",
    "manifold": "Images of codes on a grid of quantiles of N(0, I)",
    "traversal": "One image's code, with one unit at a time from -3 to 3",
    "codes": "Codes of test images, coloured by class",
    "denoised": "Test images, the same corrupted, and their reconstructions",
    "features": "Weights of the first units of the code, as images",
    "clusters": "The centre of each cluster, decoded, and the test images nearest to it",
}
_CURVES = ("curves", "outputs")  # which the page draws itself
_LAB = ' <a href="lab.html">The GAN lab</a> plays the run, beside the truth.'


def write_page(
    folder: Path, recipe: Recipe[Any, Any], model: Any, data: Images, settings: Settings,
    printed: Printed,
) -> None:  # fmt: skip
    """Write the page of a run that has ended.

    Args:
        data: those of the run.
        printed: the table that says how good the model is.

    Raises:
        OSError: if it cannot be written.
    """
    document = read_document(folder)
    play, reason = playground(recipe, model, data, settings)
    history, pictures, threads = _history(folder), _pictures(folder), document.get("threads")
    page = pages.fill(
        "run",
        title=escape(f"{recipe.name} on {Path(settings.data).stem}"),
        facts=escape(
            f"{recipe.help[0].upper()}{recipe.help[1:]}. {_count(settings.epochs, 'epoch')} on "
            f"{len(data.x_train):,} {_kind(settings.image_shape)}; {len(data.x_test):,} others are "
            "for the test."
        ),
        command=_unbroken(command(recipe.name, settings)),
        machine=escape(
            f"numpy_nets {document.get('version', 'of an unknown version')}"
            + ("" if threads is None else f" with {_count(threads, 'BLAS thread')}")
        ),
        table=printed.as_html(),
        curves=curves(history),
        no_curves=_hidden_without(history),
        no_playground=_hidden_without(play),
        reason=escape(reason) + (_LAB if (folder / "lab.html").exists() else ""),
        pictures=pictures,
        no_pictures=_hidden_without(pictures),
        settings=_settings(settings),
        network=pages.text("network.js"),
        data=pages.as_json(play),
    )
    write_whole(folder / PAGE, page, durable=False)


def _hidden_without(content: object) -> str:
    return "" if content else " hidden"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _kind(image_shape: tuple[int, ...]) -> str:
    if not drawable(image_shape):
        return f"samples of {image_shape[0]:,} numbers"
    height, width, *channels = image_shape
    return f"images of {height} × {width} pixels{' in colour' if channels else ''}"


def command(model: str, settings: Settings) -> str:
    """What a shell repeats the run with, in a new folder.

    >>> command("vae", Settings(data="my data.npz", epochs=5))
    "numpy-nets train vae --data 'my data.npz' --epochs 5 --seed 0"
    """
    words = ["numpy-nets", "train", model]
    for option in settings.options():
        value = getattr(settings, option.name)
        if value != option.default or option.name in ("data", "seed"):
            words += ["--" + option.name.replace("_", "-"), str(value)]
    return shlex.join(words)


def _unbroken(command: str) -> str:
    """The command as HTML that is broken into lines before a flag."""
    return " ".join(f"<span>{escape(part)}</span>" for part in re.split(" (?=--)", command))


def playground(
    recipe: Recipe[Any, Any], model: Any, data: Images, settings: Settings
) -> tuple[dict[str, Any] | None, str]:
    """What `run.js` needs to decode codes in the page, or None; and what there is to say of it."""
    if not settings.drawable:
        return None, "The data are not images, so there is no playground that draws them."
    encoder = None
    try:
        decoder = Network(recipe.decoder(model))
        if recipe.has_encoder:
            encoder = Network(recipe.encoder(model))
    except ValueError as error:
        return None, f"There is no playground, since a page cannot run {error}."
    if decoder.weights > MOST:
        return None, (
            f"There is no playground, since the decoder has {decoder.weights:,} weights; a page "
            f"holds at most {MOST:,}."
        )
    codes, x, y = recipe.shown_codes(model, data, settings)
    if not np.isfinite(codes).all():
        return None, "There is no playground, since codes are not finite."
    said = ""
    if encoder is not None and decoder.weights + encoder.weights > MOST_TOGETHER:
        encoder, said = None, "The encoder is too large for the page: NumPy made these codes."
    shown = np.linspace(0, len(codes) - 1, min(SHOWN, len(codes))).astype(int)
    labels, latent = None if y is None else y[shown], codes.shape[1]
    if latent <= 2:
        words = "Right is unit 1" + (", and up is unit 2" if latent == 2 else "")
        directions = np.eye(latent)
    elif x is None:
        words = "Right and up, images change most; all other directions stay as they are"
        directions = directions_of_change(partial(recipe.decode, model), codes[shown], labels)
    else:
        words = "Right and up, codes of images vary most; all other directions stay as they are"
        directions = fit_pca(codes, min(2, len(codes))).components
    centre = np.zeros(latent) if latent <= 2 else codes.mean(axis=0)
    units = np.argsort(-codes.var(axis=0), kind="stable") if x is not None else np.arange(latent)
    return {
        "shape": settings.image_shape,
        "classes": settings.classes if decoder.inputs > 1 else 0,
        "latent": latent,
        "decoder": decoder.as_json(),
        "encoder": None if encoder is None else encoder.as_json(),
        "images": None if x is None else as_base64(x[shown]),
        "codes": as_base64(codes[shown]),
        "labels": None if labels is None else labels.tolist(),
        "units": sorted(units[:SLIDERS].tolist()),
        "range": _range(codes),
        "plane": {
            "words": words,
            "centre": as_base64(centre),
            "directions": as_base64(directions),
            "ranges": [_range(c) for c in directions @ (codes - centre).T],
        },
    }, said


def directions_of_change(
    decode: Callable[[Array, Any], Array], codes: Array, labels: Array | None
) -> Array:
    """The two directions (2, latent) in which images change most, on average over codes.

    For images f(z) they are the first eigenvectors of the mean of JᵀJ, with J = ∂f/∂z, which is
    computed from differences.

    >>> directions = directions_of_change(lambda z, y: z * [1, 3, 2], np.zeros((1, 3)), None)
    >>> print(abs(directions).round(3))
    [[0. 1. 0.]
     [0. 0. 1.]]
    """
    latent = codes.shape[1]
    steps = np.vstack([np.zeros(latent), 0.1 * np.eye(latent)])
    squares = np.zeros((latent, latent))
    for i, code in enumerate(codes):
        images = decode(code + steps, None if labels is None else np.repeat(labels[i], len(steps)))
        changes = images[1:] - images[0]
        squares += changes @ changes.T
    _, _, directions = np.linalg.svd(squares, hermitian=True)
    return np.asarray(directions[:2])


def _range(numbers: Array) -> list[float]:
    """Their least and largest, apart in any case."""
    low, high = float(numbers.min()), float(numbers.max())
    return [low, high] if high - low > 1e-6 else [low - 1, high + 1]


def _history(folder: Path) -> Mapping[str, Sequence[float]]:
    """history.csv by columns; a value that is missing is nan."""
    header, rows = read_table(folder / HISTORY)
    return {
        name: [row.get(name, np.nan) for row in rows.values()]
        for name in header if name != "epoch" and rows
    }  # fmt: skip


def _pictures(folder: Path) -> str:
    files = [*folder.glob("[!.]*.png"), *folder.glob("[!.]*.gif")]
    order = [*_CAPTIONS]

    def rank(file: Path) -> tuple[int, str]:
        return (order.index(file.stem) if file.stem in order else len(order), file.name)

    return "\n".join(_picture(f) for f in sorted(files, key=rank) if f.stem not in _CURVES)


def _picture(file: Path) -> str:
    name = escape(quote(file.name))
    caption = escape(_CAPTIONS.get(file.stem, file.stem.replace("-", " ").capitalize()))
    if file.suffix == ".gif":  # moves only for who asks for it
        caption = f"{caption}, epoch by epoch" if file.stem == "samples" else caption
        image = f'<img src="{name}" alt="{caption}" loading="lazy">'
        head = f"<summary>{caption} (animation)</summary>"
        return f"<figure><details>{head}{image}</details></figure>"
    return (
        f'<figure><a href="{name}"><img src="{name}" alt="{caption}" loading="lazy"></a>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _settings(settings: Settings) -> str:
    rows = []
    for option in settings.options():
        value = getattr(settings, option.name)
        own = "" if value == option.default else f" (default: {option.default})"
        rows.append(
            f"<tr><th scope=row>{escape(option.name.replace('_', ' '))}</th>"
            f"<td>{escape(f'{value}{own}')}</td>"
            f"<td class=note>{escape(option.metadata['help'])}</td></tr>"
        )
    return "\n".join(rows)

"""Clusters of digits without labels: k-means on several codes, and deep embedded clustering.

Each model is trained as `numpy-nets train` does it by default, on the 6,000 embedded digits, with
ten seeds (or as many as NUMPY_NETS_SEEDS says), and k-means with ten clusters is run on the codes
of the same images. The labels are used for the scores alone: accuracy under the best matching of
clusters to classes, normalised mutual information and purity.

`clustering-mnist` is one run on the 60,000 training images of MNIST with the network of the paper
of Xie et al. 2016 (arXiv 1511.06335), 784-500-500-2000-10, and 120 passes, or NUMPY_NETS_EPOCHS, of
which half are pretraining. It reads mnist.npz from Keras's cache, or downloads it.

Writes clustering.csv, all scores, to runs/clustering. The smoke mode takes a few hundred digits,
two seeds and two passes.
"""

import csv
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.recipes.dec import DECRecipe, predict
from numpy_nets.cli.runs.data import Images, load_images
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.evaluation.clustering import ClusteringScores, clustering_scores, kmeans
from numpy_nets.evaluation.pca import fit_pca

OUT = Path("runs/clustering")
CLUSTERS = 10
AUTOENCODERS = ("autoencoder", "vae", "denoising")


def run(*, smoke: bool = False) -> None:
    """Train with several seeds, cluster, score."""
    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    data = load_images("digits")
    if smoke:
        data = first(data, 300)
    seeds = 2 if smoke else int(os.environ.get("NUMPY_NETS_SEEDS", "10"))
    rows: dict[str, list[ClusteringScores]] = {}
    with open(out / "clustering.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clusters", "seed", *ClusteringScores._fields])
        for seed in range(seeds):
            start = time.monotonic()
            for name, clusters in clusterings(data, seed, epochs=2 if smoke else None):
                scores = clustering_scores(clusters, data.y_train)
                rows.setdefault(name, []).append(scores)
                writer.writerow([name, seed, *(f"{score:.4f}" for score in scores)])
            file.flush()
            print(f"seed {seed}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"{'':36}{'accuracy %':>14}{'NMI':>16}{'purity %':>14}")
    for name, scores in rows.items():
        means, deviations = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)
        cells = [
            f"{factor * mean:.{digits}f} ± {factor * deviation:.{digits}f}"
            for factor, digits, mean, deviation in zip(
                (100, 1, 100), (1, 3, 1), means, deviations, strict=True
            )
        ]
        print(f"{name:36}{cells[0]:>14}{cells[1]:>16}{cells[2]:>14}")


def clusterings(data: Images, seed: int, epochs: int | None) -> Iterator[tuple[str, Any]]:
    """(name, clusters (n,) of the training images) of each way to cluster them."""
    x = data.x_train
    by_kmeans: Callable[[Any], Any] = partial(kmeans, clusters=CLUSTERS, seed=seed)
    yield "k-means on pixels", by_kmeans(x).labels
    yield "k-means on PCA, 10 numbers", by_kmeans(fit_pca(x, 10).encode(x)).labels
    for name in AUTOENCODERS:
        model = trained(name, data, seed, epochs=epochs)
        codes = RECIPES[name].encode(model, x, None)
        yield f"k-means on {name}, {codes.shape[1]} numbers", by_kmeans(codes).labels
    few = {} if epochs is None else {"epochs": epochs, "pretraining": 1}
    dec = trained("dec", data, seed, **few)
    pretrained = predict(dec.autoencoder.encoder, x)
    yield "k-means on dec's pretrained codes", by_kmeans(pretrained).labels
    yield "dec", predict(dec, x).argmax(axis=1)


def trained(name: str, data: Images, seed: int, **changed: Any) -> Any:
    """A model that is trained as the command does it; changed settings of None are the defaults."""
    recipe = RECIPES[name]
    settings = recipe.settings(seed=seed).on(data)
    settings = replace(settings, **{k: v for k, v in changed.items() if v is not None})
    random.set_random_seed(seed)
    model = recipe.build(settings)
    recipe.fit(model, data, settings, epochs=settings.epochs, verbose=0)
    return model


def run_mnist(*, smoke: bool = False) -> None:
    """Train DEC once on all of MNIST, and print the table that its command prints."""
    data = first(load_images("digits"), 300) if smoke else load_images("mnist")
    epochs = 2 if smoke else int(os.environ.get("NUMPY_NETS_EPOCHS", "120"))
    start = time.monotonic()
    changed = {"epochs": epochs, "pretraining": epochs // 2, "hidden": 8 if smoke else 500}
    model = trained("dec", data, 0, **changed)
    print(f"{(time.monotonic() - start) / 60:.0f} min")
    settings = DECRecipe.settings(**changed).on(data)
    DECRecipe().print_table(model, data, settings, None, 1000, Printed())


def first(data: Images, n: int) -> Images:
    """The first n images of the training, and 100 for the test."""
    assert data.y_train is not None and data.y_test is not None
    return data._replace(
        x_train=data.x_train[:n], y_train=data.y_train[:n],
        x_test=data.x_test[:100], y_test=data.y_test[:100],
    )  # fmt: skip

"""numpy-nets train dec."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.autoencoder import nearest_pca, sigmoid
from numpy_nets.cli.recipes.recipe import History, Labels, Recipe
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings, count, option, rate
from numpy_nets.evaluation.clustering import clustering_scores, kmeans, nearest_centres
from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import save_images
from numpy_nets.figures.scatter import save_scatter
from numpy_nets.layers import Activation
from numpy_nets.metrics import Metric
from numpy_nets.models.dec import DEC, build_dec_decoder, build_dec_encoder, target_distribution
from numpy_nets.models.denoising import DenoisingAutoencoder, MaskingNoise
from numpy_nets.network import Model
from numpy_nets.optimizers import SGD, Adam

Encoder: TypeAlias = Callable[[Array], Array]  # images (n, pixels) -> codes (n, d)
Clustering: TypeAlias = Callable[[Array], Array]  # images (n, pixels) -> clusters (n,)
SHOWN = 12  # images of each cluster in the picture


@dataclass(frozen=True)
class DECSettings(Settings):
    """The settings of deep embedded clustering."""

    binarize: str = option(
        "none", choice("none", "static"),
        "static: make pixels 0 or 1, with their grey as the probability of 1",
    )  # fmt: skip
    clusters: int = count(10, "clusters to find")
    epochs: int = count(150, "passes over the data at most, those of pretraining included")
    pretraining: int = option(
        100, number(int, 0),
        "passes, the first ones, in which the encoder learns as a denoising autoencoder",
    )  # fmt: skip
    batch_size: int = count(256, "images in a step")
    learning_rate: float = rate(1e-3)
    clustering_rate: float = option(
        0.01, number(float, 0, above=True, most=1), "of SGD with momentum 0.9, after pretraining"
    )
    noise: float = option(
        0.2, number(float, 0, most=0.99), "part of the pixels that are masked in pretraining"
    )
    update: int = count(140, "steps after which the target is computed anew, as at every new pass")
    tolerance: float = option(
        0.001, number(float, 0, most=1),
        "training ends when a pass moves a smaller part of the images to another cluster",
    )  # fmt: skip
    latent: int = count(10, "length of a code")
    hidden: int = count(
        200, "units of the encoder's first two hidden layers; the third has four times as many"
    )


class PretrainedDEC(DEC):
    """A DEC, and the autoencoder whose encoder it starts from; each has its own optimizer.

    A batch x trains the autoencoder, a batch (x, p) the DEC.
    """

    def __init__(self, autoencoder: DenoisingAutoencoder, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.autoencoder = autoencoder

    @property
    def trainable_variables(self) -> list[Any]:
        """Those of the DEC, which `learn` changes: the autoencoder trains by itself."""
        return self.encoder.trainable_variables + self.assignment.trainable_variables

    @property
    def metrics(self) -> list[Metric]:
        return [*super().metrics, *self.autoencoder.metrics]

    def train_step(self, data: Any) -> dict[str, Any]:
        if isinstance(data, tuple):
            return {"kl": super().train_step(data)["kl"]}
        return {"reconstruction": self.autoencoder.train_step(data)["reconstruction"]}

    def begin(self, x: Array, seed: int) -> None:
        """Take over the pretrained encoder, and the centres of k-means on its codes of x."""
        self.encoder.set_weights(self.autoencoder.encoder.get_weights())
        codes = predict(self.encoder, x)
        centres = kmeans(codes, self.assignment.clusters, seed=seed).centres
        self.assignment.set_weights([centres.astype(codes.dtype)])


class Phases(Callback):
    """The batches of a run: x in the epochs of pretraining, then (x, p).

    It is a callback too, to know the epoch, and to say after each that clusters what part of the
    images it has moved to another cluster, as `changed`. All that it keeps from one epoch to the
    next it could compute anew from the weights, so that a resumed run has the same batches.

    Args:
        x: all images (n, pixels).
        settings: of the run, or the like.
    """

    def __init__(self, model: PretrainedDEC, x: Array, settings: DECSettings) -> None:
        self.dec, self.x, self.settings = model, x, settings
        self.epoch = 0
        self.q: Array | None = None  # of all images, with the weights of now

    def __len__(self) -> int:
        return -(-len(self.x) // self.settings.batch_size)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        settings, clusters = self.settings, self.epoch >= self.settings.pretraining
        if self.epoch == settings.pretraining:
            self.dec.begin(self.x, settings.seed)
            self.q = None
        order = random.generator().permutation(len(self.x))
        for step in range(len(self)):
            rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            if not clusters:
                yield self.x[rows]
                continue
            if step % settings.update == 0:
                if step or self.q is None:
                    self.q = predict(self.dec, self.x)
                if step == 0:
                    self.before = self.q.argmax(axis=1)
                p = target(self.q)
            yield self.x[rows], p[rows]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if epoch < self.settings.pretraining:
            return
        assert logs is not None
        self.q = predict(self.dec, self.x)
        logs["changed"] = float(np.mean(self.q.argmax(axis=1) != self.before))
        if logs["changed"] < self.settings.tolerance:
            self.model.stop_training = True


class DECRecipe(Recipe[DECSettings, PretrainedDEC]):
    """Clusters of images, beside those of k-means. Labels are used for the scores alone.

    Codes are those of the encoder that has learned to cluster, and the decoder is the one of the
    pretraining, which knows the codes from before that.
    """

    name = "dec"
    help = "deep embedded clustering: groups of images, found without labels"
    settings = DECSettings
    unit = "nats per image"
    shown = ("reconstruction", "kl", "changed")

    def build(self, settings: DECSettings) -> PretrainedDEC:
        if settings.epochs <= settings.pretraining:
            raise ValueError(
                f"--epochs {settings.epochs}: expected more than the {settings.pretraining} of "
                "--pretraining, so that some are left for the clusters"
            )
        hidden = settings.hidden
        sizes = (settings.pixels, settings.latent, (hidden, hidden, 4 * hidden))
        autoencoder = DenoisingAutoencoder(
            build_dec_encoder(*sizes), build_dec_decoder(*sizes), MaskingNoise(settings.noise)
        )
        autoencoder.compile(Adam(settings.learning_rate))
        assert autoencoder.optimizer is not None
        autoencoder.optimizer.build(autoencoder.trainable_variables)  # to be loaded before a step
        model = PretrainedDEC(autoencoder, build_dec_encoder(*sizes), settings.clusters)
        model.compile(SGD(settings.clustering_rate, momentum=0.9))
        return model

    def example(
        self, model: PretrainedDEC, data: Images, settings: DECSettings, count: int
    ) -> Any:
        """The first images, with the target that they have among themselves."""
        x = data.x_train[:count]
        return x, target(predict(model, x))

    def fit(
        self, model: PretrainedDEC, data: Images, settings: DECSettings, **options: Any
    ) -> None:
        """Train without validation: what clusters are right, no loss can tell."""
        x = data.x_train
        if settings.clusters > len(x):
            raise ValueError(
                f"--clusters {settings.clusters}: expected at most {len(x)}, the number of "
                "training images"
            )
        phases = Phases(model, x, settings)
        options["callbacks"] = [phases, *options.get("callbacks", [])]
        model.fit(phases, **options)

    def ended(self, history: History, settings: DECSettings) -> str:
        changed = history.get("changed", [])
        if not changed or not changed[-1] < settings.tolerance:
            return ""
        return f"the last one moved {changed[-1]:.2%} of the images to another cluster"

    def draw_curves(self, history: History, settings: DECSettings, folder: Path) -> None:
        """Draw the pretraining above the clustering, whose two curves are small."""
        save_curves(folder / "curves.png", history, self.unit, below=("kl", "changed"))

    def encode(self, model: PretrainedDEC, x: Array, y: Labels) -> Array:
        return predict(model.encoder, x)

    def decode(self, model: PretrainedDEC, codes: Array, y: Labels) -> Array:
        return sigmoid(model.autoencoder.decoder(codes.astype(np.float32)))

    def decoder(self, model: PretrainedDEC) -> Sequence[Part]:
        return [model.autoencoder.decoder, Activation("sigmoid")]

    def encoder(self, model: PretrainedDEC) -> Sequence[Part]:
        return [model.encoder]

    def draw(
        self, model: PretrainedDEC, data: Images, settings: DECSettings, folder: Path
    ) -> None:
        """Draw each cluster: its centre, decoded, and the test images nearest to it."""
        x, y = data.x_test, data.y_test
        codes = self.encode(model, x, None)
        if settings.latent == 2 and y is not None:
            save_scatter(folder / "codes.png", codes, y)
        if not data.drawable:
            return
        centres = model.assignment.get_weights()[0][:20]
        distances = np.sum((centres[:, None] - codes) ** 2, axis=-1)
        order = distances.argsort(axis=1, kind="stable")[:, :SHOWN]
        rows = np.concatenate(
            [self.decode(model, centres, None)[:, None], x[order]], axis=1
        ).reshape(-1, *data.image_shape)
        save_images(
            folder / "clusters.png", rows, 1 + order.shape[1],
            "the centre of each cluster, decoded, and the test images nearest to it",
            row_labels=[str(k) for k in range(len(centres))],
        )  # fmt: skip

    def print_table(
        self, model: PretrainedDEC, data: Images, settings: DECSettings, samples: int | None,
        most: int, printed: Printed,
    ) -> None:  # fmt: skip
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        sets = {"training": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
        if not data.trained_on:
            del sets["training"]
        clusterings = self.clusterings(model, data, settings)
        for name, (x, y) in sets.items():
            sizes = np.bincount(clusterings[self.name](x), minlength=settings.clusters)
            printed.print(
                f"{name} images in each cluster: {', '.join(f'{size:,}' for size in sizes)}"
            )
            if y is None:
                printed.print(f"The {name} images have no labels, so there is no score.")
                continue
            table = Table(title=f"clusters of {len(x):,} {name} images, against their labels")
            for column in ("", "accuracy", "mutual information", "purity"):
                table.add_column(column, justify="right" if column else "left")
            for row, clusters in clusterings.items():
                scores = clustering_scores(clusters(x), y)
                table.add_row(
                    row, f"{scores.accuracy:.1%}", f"{scores.nmi:.3f}", f"{scores.purity:.1%}"
                )
            printed.print(table)
        printed.print(
            "Accuracy: with each cluster matched to a class of its own, by the best matching. "
            "Purity: each cluster counts for its commonest class. Mutual information is divided by "
            "the mean of the entropies of clusters and classes."
        )

    def clusterings(
        self, model: PretrainedDEC, data: Images, settings: DECSettings
    ) -> dict[str, Clustering]:
        """k-means on several codes, fitted to the training images if these are known; the DEC."""
        encoders: dict[str, Encoder] = {}
        pca = nearest_pca(data, settings.latent)
        if pca is not None:
            encoders = {
                "k-means on pixels": lambda x: x,
                f"k-means on PCA, {len(pca.components)} numbers": pca.encode,
                "k-means on the pretrained codes": partial(predict, model.autoencoder.encoder),
            }
        by_kmeans = {
            name: kmeans_of(encode, data.x_train, settings.clusters, settings.seed)
            for name, encode in encoders.items()
        }
        return {**by_kmeans, self.name: lambda x: predict(model, x).argmax(axis=1)}


def predict(model: Model, x: Array) -> Array:
    """The outputs for x (n, ...), computed in batches."""
    outputs: Array = model.predict(x, batch_size=1000, verbose=0)
    return outputs


def target(q: Array) -> Array:
    """`target_distribution` of an array."""
    p: Array = target_distribution(ops.convert_to_tensor(q)).numpy()
    return p


def kmeans_of(encode: Encoder, x: Array, clusters: int, seed: int) -> Clustering:
    """k-means on the codes of x, as a clustering of other images too, by the nearest centre."""
    centres = kmeans(encode(x), clusters, seed=seed).centres
    return lambda images: nearest_centres(encode(images), centres)

"""numpy-nets train m1m2."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.cvae import labels_to_sample, one_hot, row_labels
from numpy_nets.cli.recipes.recipe import Labels, Recipe
from numpy_nets.cli.recipes.sgan import (
    PairedBatches,
    accuracy,
    check_labels,
    labelled_rows,
    print_errors,
    train_alone,
)
from numpy_nets.cli.recipes.vae import mean_pixels, prior
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings, count, option, rate
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.evaluation.probe import linear_probe
from numpy_nets.figures.images import save_images, save_reconstructions
from numpy_nets.layers import Activation
from numpy_nets.models.cvae import build_conditional_encoder
from numpy_nets.models.m2 import M1M2, M2, build_classifier, build_m2_decoder
from numpy_nets.models.vae import (
    VAE,
    build_decoder,
    build_encoder,
    gaussian_log_likelihood,
    reparameterize,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class M1M2Settings(Settings):
    """The settings of M1+M2."""

    binarize: str = option(
        "none", choice("none", "static"),
        "static: make pixels 0 or 1, with their grey as the probability of 1",
    )  # fmt: skip
    labels: int = count(100, "training images whose labels are used, as many of each class")
    epochs: int = count(50, "passes over the data")
    batch_size: int = count(100, "images in a step, and as many of those with a label")
    learning_rate: float = rate(2e-3)
    latent: int = count(50, "length of a code of M1, the VAE of the images")
    hidden: int = count(400, "units of each hidden layer of M1")
    style: int = count(10, "length of a code of M2, which says what the class does not")
    m2_hidden: int = count(300, "units of each hidden layer of M2")
    # After 20 epochs at the rate 1e-3, the paper's softplus and alpha of 0.1 have 28 % of the
    # digits wrong, an alpha of 10 has 20 %, and relu with it 16 %.
    activation: str = option("relu", choice("relu", "tanh", "softplus"), "of the hidden layers")
    alpha: float = option(10.0, number(float, 0, most=1e6), "weight of the labels' crossentropy")


class M1M2Recipe(Recipe[M1M2Settings, M1M2]):
    """A classifier from few labels, judged beside what the labels give without M2.

    Its codes are those of M1, which know no classes.
    """

    name = "m1m2"
    help = "a semi-supervised VAE, M1+M2: a classifier from few labels and many images"
    settings = M1M2Settings
    unit = "nats per image"
    shown = ("loss", "reconstruction", "unlabelled", "classifier")

    def build(self, settings: M1M2Settings) -> M1M2:
        check_labels(self.name, settings, settings.labels)
        sizes = (settings.pixels, settings.hidden, settings.latent, settings.activation)
        m1 = VAE(build_encoder(*sizes), build_decoder(*sizes))
        sizes_2 = (
            settings.latent, settings.classes, settings.m2_hidden, settings.style,
            settings.activation,
        )  # fmt: skip
        m2 = M2(
            classifier(settings), build_conditional_encoder(*sizes_2), build_m2_decoder(*sizes_2),
            0.0, settings.alpha, gaussian_log_likelihood,
        )  # fmt: skip
        model = M1M2(m1, m2)
        model.compile(Adam(settings.learning_rate))
        return model

    def labelled(self, data: Images, settings: M1M2Settings) -> tuple[Array, Array]:
        """The labelled images and their labels: all that is used of the training labels."""
        assert data.y_train is not None
        rows = labelled_rows(data.y_train, settings.labels, settings.seed)
        return data.x_train[rows], data.y_train[rows]

    def example(self, model: M1M2, data: Images, settings: M1M2Settings, count: int) -> Any:
        x, y = self.labelled(data, settings)
        targets = one_hot(y, settings.classes, self.name)
        return next(iter(PairedBatches(data.x_train, x, targets, count)))

    def fit(self, model: M1M2, data: Images, settings: M1M2Settings, **options: Any) -> None:
        """Train without validation: there are no labels left for it."""
        x, y = self.labelled(data, settings)
        model.m2.share = len(x) / len(data.x_train)  # `build` did not know the number of images
        targets = one_hot(y, settings.classes, self.name)
        model.fit(PairedBatches(data.x_train, x, targets, settings.batch_size), **options)

    def encode(self, model: M1M2, x: Array, y: Labels) -> Array:
        """The means of M1's q(z|x)."""
        mean, _ = model.m1.encode(x)
        codes: Array = mean.numpy()
        return codes

    def decode(self, model: M1M2, codes: Array, y: Labels) -> Array:
        """M1's images."""
        return mean_pixels(model.m1.decoder(codes.astype(np.float32)))

    def decoder(self, model: M1M2) -> Sequence[Part]:
        return [model.m1.decoder, Activation("sigmoid")]

    def encoder(self, model: M1M2) -> Sequence[Part]:
        return [model.m1.encoder]

    def sample(self, model: M1M2, count: int, label: int | None) -> Array:
        """New images, in the order of their classes if no label is given.

        M2's code is drawn from N(0, I), then M1's from M2's p(z|z₂, y).
        """
        classes = model.m2.classifier.output_shape[-1]
        y = one_hot(labels_to_sample(count, label, classes), classes, self.name)
        mean, log_var = model.m2.decoder([prior(model.m2, count), y])
        epsilon = random.normal(tuple(mean.shape))
        return self.decode(model, reparameterize(mean, log_var, epsilon).numpy(), None)

    def draw(self, model: M1M2, data: Images, settings: M1M2Settings, folder: Path) -> None:
        if not data.drawable:
            return
        x, shape = data.x_test[:20], (-1, *data.image_shape)
        reconstructions = self.decode(model, self.encode(model, x, None), None)
        save_reconstructions(
            folder / "reconstructions.png", x.reshape(shape), reconstructions.reshape(shape)
        )
        save_images(
            folder / "samples.png", self.sample(model, 100, None).reshape(shape), 10,
            "new images", row_labels=row_labels(settings.classes),
        )  # fmt: skip
        shown = min(settings.classes, 20)
        save_images(
            folder / "analogies.png", analogies(model, x[:10], shown).reshape(shape), 1 + shown,
            "test images, and the same style with every class",
            column_labels=["", *map(str, range(shown))],
        )  # fmt: skip

    def print_table(
        self, model: M1M2, data: Images, settings: M1M2Settings, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        if samples is not None:
            raise ValueError(f"--samples: the table of {self.name} has no likelihood")
        x, y = data.x_test, data.y_test
        if y is None:
            printed.print("The test images have no labels, so there is no error to print.")
            return
        rights = {"m1m2": accuracy(model, x, y)}
        if data.trained_on:
            few, y_few = self.labelled(data, settings)
            codes, codes_few = (self.encode(model, images, None) for images in (x, few))
            alone = train_alone(
                lambda: classifier(settings),
                lambda rows: drawn_codes(model, few[rows]),
                y_few,
                settings,
            )
            rights |= {
                "its classifier, trained on the labels alone": accuracy(alone, codes, y),
                "linear probe of M1's codes": linear_probe(codes_few, y_few, codes, y),
                "nearest labelled image, by M1's codes": nearest_neighbour_accuracy(
                    codes_few, y_few, codes, y
                ),
                "linear probe of pixels": linear_probe(few, y_few, x, y),
                "nearest labelled image": nearest_neighbour_accuracy(few, y_few, x, y),
            }
        print_errors(rights, len(x), min(settings.labels, len(data.x_train)), printed)


def classifier(settings: M1M2Settings) -> Model:
    """q(y|z) of the settings: codes of M1 -> logits."""
    return build_classifier(
        settings.latent, settings.classes, settings.m2_hidden, settings.activation
    )


def drawn_codes(model: M1M2, x: Array) -> Array:
    """Codes of images x drawn anew, as M2 is given them in training."""
    epsilon = random.normal((len(x), model.m1.encoder.output_shape[0][-1]))
    codes: Array = model.codes(ops.convert_to_tensor(x), epsilon).numpy()
    return codes


def analogies(model: M1M2, x: Array, classes: int) -> Array:
    """Each image of x, then the images of its style with the classes 0, 1, …: (n, pixels).

    The style is the mean of M2's q(z₂|z, y) for the class y that the classifier finds.
    """
    codes, _ = model.m1.encode(x)
    rows = np.eye(model.m2.classifier.output_shape[-1], dtype=np.float32)
    y = rows[model.m2(codes).numpy().argmax(axis=1)]
    style, _ = model.m2.encode((codes, y))
    columns = [x]
    for row in rows[:classes]:
        means, _ = model.m2.decoder([style, np.tile(row, (len(x), 1))])
        columns.append(mean_pixels(model.m1.decoder(means)))
    images: Array = np.stack(columns, axis=1).reshape(-1, x.shape[1])
    return images

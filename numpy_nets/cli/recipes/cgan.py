"""numpy-nets train cgan."""

from dataclasses import dataclass

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes.cvae import labels_to_sample, one_hot, row_labels
from numpy_nets.cli.recipes.gan import AdversarialRecipe, AdversarialSettings, dropout
from numpy_nets.cli.recipes.recipe import Labels
from numpy_nets.cli.settings import count, rate
from numpy_nets.models.cgan import (
    ConditionalGAN,
    build_conditional_discriminator,
    build_conditional_generator,
)


@dataclass(frozen=True)
class ConditionalGANSettings(AdversarialSettings):
    """The settings of a conditional GAN."""

    epochs: int = count(260, "passes over the data")
    learning_rate: float = rate(4e-4)
    hidden: int = count(256, "units of each hidden layer")
    dropout: float = dropout(0.3)


class ConditionalGANRecipe(AdversarialRecipe[ConditionalGANSettings, ConditionalGAN]):
    """A GAN that is told the label. Its sheets have a class in each row."""

    name = "cgan"
    help = "a conditional GAN, which is told the class of an image"
    settings = ConditionalGANSettings

    def build(self, settings: ConditionalGANSettings) -> ConditionalGAN:
        classes, pixels, hidden = settings.classes, settings.pixels, settings.hidden
        if not 2 <= classes <= 1000:
            raise ValueError(
                f"--data {settings.data}: cgan: expected a label from 2 to 1,000 classes for "
                f"every image, got {classes or 'none'}"
            )
        sizes = (hidden, hidden)
        generator, averaged = (
            build_conditional_generator(settings.latent, classes, pixels, sizes) for _ in range(2)
        )
        game = self.game(settings)
        discriminator = build_conditional_discriminator(
            pixels, classes, sizes, activation=game["objective"].activation,
            dropout=settings.dropout,
        )  # fmt: skip
        model = ConditionalGAN(generator, discriminator, **game, averaged=averaged)
        model.compile(*self.optimizers(settings))
        return model

    def g_inputs(self, model: ConditionalGAN, codes: Array, y: Labels) -> list[Array]:
        return [codes.astype(np.float32), one_hot(y, number_of_classes(model), self.name)]

    def sample_rows(self, settings: ConditionalGANSettings) -> list[str] | None:
        return row_labels(settings.classes)

    def labels(self, settings: ConditionalGANSettings, count: int) -> Array:
        return labels_to_sample(count, None, settings.classes)

    def batch(self, model: ConditionalGAN, x: Array, y: Labels) -> tuple[Array, ...]:
        return 2 * x - 1, one_hot(y, number_of_classes(model), self.name)

    def ends(
        self, model: ConditionalGAN, data: object, rng: np.random.Generator
    ) -> tuple[Array, None, Labels]:
        """Pairs of new codes with one class for each pair."""
        classes = np.repeat(rng.permutation(number_of_classes(model))[:8], 2)
        return model.draw_noise(len(classes)).numpy(), None, classes

    def sample(self, model: ConditionalGAN, count: int, label: int | None) -> Array:
        """New images, in the order of their classes if no label is given."""
        y = labels_to_sample(count, label, number_of_classes(model))
        return self.decode(model, model.draw_noise(count).numpy(), y)


def number_of_classes(model: ConditionalGAN) -> int:
    """The number of classes that the model was built for."""
    _, y = model.generator.input_shape
    return int(y[-1])

"""The models of numpy_nets and of keras_ref, whose names are the same."""

import importlib
from typing import Any

from benchmarks.work import ADAM, GAN_ADAM, Work


def build(library: str, work: Work) -> tuple[Any, Any, Any]:
    """A compiled model that starts from the given weights, and x and y for its `fit`."""
    name = {"paper_gan": "gan"}.get(work.name, work.name)
    module = importlib.import_module(f"{library}.models.{name}")
    optimizers = importlib.import_module("keras" if library == "keras_ref" else library).optimizers
    x = work.images()
    if work.name == "autoencoder":
        model, _ = module.build_autoencoder()
        assign(model, work.weights())
        model.compile(optimizer=optimizers.Adam(**ADAM), loss="binary_crossentropy")
        return model, x, x
    if work.name == "vae":
        encoder, decoder = module.build_encoder(), module.build_decoder()
        assign(encoder, work.weights()[:6])
        assign(decoder, work.weights()[6:])
        model = with_given_noise(module.VAE)(encoder, decoder)
        model.compile(optimizer=optimizers.Adam(**ADAM))
        return model, x, work.noise()
    gan = with_given_noise(module.GAN)
    if work.name == "gan":
        networks = module.build_generator(), module.build_discriminator()
        model, chosen = gan(*networks, half_steps=True), [optimizers.Adam(**GAN_ADAM) for _ in "DG"]
    else:
        paper = importlib.import_module(f"{library}.models.gan_paper")
        networks = paper.build_paper_generator(), paper.build_paper_discriminator()
        model, chosen = gan(*networks), [paper.build_paper_optimizer() for _ in "DG"]
    for network, weights in zip(networks, work.networks(), strict=True):
        assign(network, weights)
    model.compile(*chosen)
    return model, x, work.noise()


def assign(model: Any, weights: list[Any]) -> None:
    for variable, w in zip(model.trainable_variables, weights, strict=True):
        variable.assign(w)


def with_given_noise(model: Any) -> Any:
    """A class of models whose noise comes as the y of `fit`."""

    class WithGivenNoise(model):  # type: ignore[misc]
        def train_step(self, data: Any) -> dict[str, Any]:
            x, noise = data
            if not hasattr(self, "generator"):
                return self.learn(x, noise)
            self.learn_discriminator(x, noise[:, 0])
            self.learn_generator(noise[:, 1])
            return {mean.name: mean.result() for mean in self.means}

    return WithGivenNoise


def total_loss(logs: Any) -> float:
    """The mean loss of an epoch, from what `fit` or `train_step` reports at its end."""
    names = ["loss"] if "loss" in logs else ["d_loss", "g_loss"]
    return sum(float(logs[name]) for name in names)


def fit(model: Any, x: Any, y: Any, batch_size: int) -> float:
    """One epoch."""
    history = model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0).history
    return total_loss({name: values[-1] for name, values in history.items()})

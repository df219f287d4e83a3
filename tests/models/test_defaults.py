"""The default sizes and settings of the models, those of their sources, in one table."""

import dataclasses
import inspect

import pytest

from numpy_nets.models import (
    baskets,
    bigan,
    cgan,
    cgan_paper,
    cvae,
    denoising,
    gan,
    gan_deep,
    gan_paper,
    iwae,
    latent_regressor,
    m2,
    sparse,
    vae,
)

KERNELS = {
    vae.build_encoder: [(784, 400), (400, 20), (400, 20)],
    vae.build_decoder: [(20, 400), (400, 784)],
    vae.build_gaussian_decoder: [(20, 200), (200, 560), (200, 560)],
    cvae.build_conditional_encoder: [(794, 400), (400, 20), (400, 20)],
    cvae.build_conditional_decoder: [(30, 400), (400, 784)],
    denoising.build_code_encoder: [(784, 500)],
    denoising.build_code_decoder: [(500, 784)],
    gan.build_generator: [(100, 128), (128, 784)],
    gan.build_discriminator: [(784, 128), (128, 1)],
    gan_deep.build_deep_generator: [(100, 256), (256, 256), (256, 784)],
    gan_deep.build_deep_discriminator: [(784, 256), (256, 256), (256, 1)],
    cgan.build_conditional_generator: [(110, 256), (256, 256), (256, 784)],
    cgan.build_conditional_discriminator: [(794, 256), (256, 256), (256, 1)],
    cgan_paper.build_paper_conditional_generator: [
        (100, 200), (10, 1000), (1200, 1200), (1200, 784)
    ],
    cgan_paper.build_paper_conditional_discriminator: [
        (784, 1200), (10, 250), (290, 960), (240, 1)
    ],
    bigan.build_bigan_encoder: [(784, 1024), (1024, 1024), (1024, 50)],
    bigan.build_bigan_generator: [(50, 1024), (1024, 1024), (1024, 784)],
    bigan.build_bigan_discriminator: [(834, 1024), (1074, 1024), (1024, 1)],
    latent_regressor.build_latent_encoder: [(784, 256), (256, 256), (256, 100)],
    m2.build_classifier: [(50, 300), (300, 10)],
    m2.build_m2_decoder: [(60, 300), (300, 50), (300, 50)],
}
SETTINGS = {
    vae.VAE: {"beta": 1.0, "samples": 1, "seed": None},
    baskets.MultVAE: {"beta": 0.2, "anneal_steps": 1000, "dropout": 0.5, "seed": None},
    iwae.IWAE: {"samples": 5, "seed": None},
    denoising.MaskingNoise: {"rate": 0.3},
    denoising.GaussianNoise: {"stddev": 0.3},
    sparse.kl_sparsity: {"target": 0.05},
    sparse.SparseAutoencoder: {"weight": 3.0},
    m2.M2: {"alpha": 0.1, "seed": None},
    **{
        build: {"activation": "softplus"} for build in (m2.build_classifier, m2.build_m2_decoder)
    },
    gan.GAN: {
        "k": 1,
        "half_steps": False,
        "real_label": 1.0,
        "averaged": None,
        "ema_momentum": 0.999,
    },
    gan.build_generator: {"slope": 0.01},
    gan.build_discriminator: {"slope": 0.01},
    **{
        build: {"slope": 0.2}
        for build in (
            gan_deep.build_deep_generator, cgan.build_conditional_generator,
            bigan.build_bigan_encoder, latent_regressor.build_latent_encoder,
        )
    },
    **{
        build: {"slope": 0.2, "dropout": 0.3, "activation": "sigmoid"}
        for build in (gan_deep.build_deep_discriminator, cgan.build_conditional_discriminator)
    },
    bigan.build_bigan_discriminator: {"slope": 0.2, "dropout": 0.0},
    gan.train_gan: {"epochs": 400, "batch_size": 128},
    gan_paper.MomentumRamp: {"start": 0.5, "stop": 0.7, "epochs": 250},
}


@pytest.mark.parametrize("build", KERNELS, ids=lambda build: build.__name__)
def test_the_kernels_have_these_shapes(build) -> None:
    kernels = [w.shape for w in build().weights if w.name == "kernel"]
    assert kernels == KERNELS[build]


@pytest.mark.parametrize("what", SETTINGS, ids=lambda what: what.__name__)
def test_the_settings_are_these(what) -> None:
    parameters = inspect.signature(what).parameters
    assert {name: parameters[name].default for name in SETTINGS[what]} == SETTINGS[what]


def test_the_kl_of_an_iwae_has_no_weight_of_its_own() -> None:
    assert iwae.IWAE(vae.build_encoder(), vae.build_decoder()).beta == 1.0


@pytest.mark.parametrize("noise", [denoising.MaskingNoise(), denoising.GaussianNoise()])
def test_a_corruption_cannot_change_because_models_share_the_default(noise) -> None:
    (field,) = dataclasses.fields(noise)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noise, field.name, 0.5)

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from numpy_nets import figures, random
from numpy_nets.figures.gan_gradients import (
    OBJECTIVES,
    exact_slopes,
    gradient_norms,
    measured_slopes,
    save_gan_gradients,
)


def test_measured_slopes_are_the_exact_ones_of_one_sign_and_with_ratio_e_to_the_a():
    a = np.linspace(-12, 6, 19)
    exact = exact_slopes(a)
    for objective, expected in zip(OBJECTIVES.values(), exact, strict=True):
        np.testing.assert_allclose(measured_slopes(objective, a), expected, rtol=1e-12)
        assert (expected < 0).all()
    np.testing.assert_allclose(exact[0] / exact[1], np.exp(a), rtol=1e-12)


def test_as_d_wins_the_saturating_gradient_vanishes_and_the_other_does_not():
    before = random.get_state()
    norms, outputs = gradient_norms()
    assert random.get_state() == before
    assert 0.3 < outputs[0] < 0.7 and outputs[-1] < 0.05
    saturating, other = norms[-1] / norms[0]
    assert saturating < 0.1 and other > 1


def test_the_figure_is_written_and_is_the_one_of_the_gallery(tmp_path):
    """Up to what another Matplotlib draws differently: fonts, and the smoothing of lines."""
    save_gan_gradients(tmp_path / "new.png")
    kept = Path(figures.__file__).parent / "gallery" / "gan_gradients.png"
    new, old = imread(tmp_path / "new.png"), imread(kept)
    assert new.shape == old.shape
    assert old.std() > 0.05 and np.abs(new - old).mean() < 0.02
    assert kept.stat().st_size < 80_000

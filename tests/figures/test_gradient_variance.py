from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from numpy_nets import figures
from numpy_nets.figures.gradient_variance import (
    exact_variances,
    measured_variances,
    save_gradient_variance,
)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_measured_variances_are_the_exact_ones(d):
    """Of 10 measurements with independent noise, the mean is within 5 standard errors."""
    rng = np.random.default_rng(d)
    found = np.array([measured_variances(d, rng.standard_normal((20_000, d))) for _ in range(10)])
    error = found.std(axis=0, ddof=1) / np.sqrt(10)
    assert (np.abs(found.mean(axis=0) - exact_variances(d)) < 5 * error).all()
    assert (error < 0.03 * found.mean(axis=0)).all()


def test_the_figure_is_written_and_is_the_one_of_the_gallery(tmp_path):
    """Up to what another Matplotlib draws differently: fonts, and the smoothing of lines."""
    save_gradient_variance(tmp_path / "new.png")
    kept = Path(figures.__file__).parent / "gallery" / "gradient_variance.png"
    new, old = imread(tmp_path / "new.png"), imread(kept)
    assert new.shape == old.shape
    assert old.std() > 0.05 and np.abs(new - old).mean() < 0.02
    assert kept.stat().st_size < 60_000

"""What the laws draw from: ordinary numbers, and the extremes that break a careless formula.

The first alternative holds the simplest value: what fails shrinks to 0, 1 or a short list.
"""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

TINY = 5e-324  # the smallest denormal number of float64; in float32 it is 0
SMALL = 1e-45  # the smallest denormal number of float32


def number(low: float, high: float, *extremes: float) -> st.SearchStrategy[float]:
    """A number in [low, high], often one of the extremes."""
    return st.floats(low, high) | st.sampled_from([*extremes, float(low), float(high)])


logits = number(-1e4, 1e4, 0.0, TINY, -TINY, SMALL, 1e-17, 16.6, -16.6, 37.0, -37.0, 745.0, -746.0)
probabilities = number(0.0, 1.0, 0.5, TINY, SMALL, 1e-17, 1e-8, 1e-7, 1 - 1e-7, 1 - 1e-8, 1 - 1e-16)
means = number(-1e4, 1e4, 0.0, TINY, 1e-170, 1e-8)
log_vars = number(-80.0, 80.0, 0.0, TINY, -TINY, 1e-17, -1e-8)  # variances from e^-80 to e^80
dtypes = st.sampled_from([np.float64, np.float32])


def fewer(divisor: int) -> settings:
    """For a law whose examples are dear: a share of those that the profile asks for."""
    return settings(max_examples=max(1, settings().max_examples // divisor))


def rounding(dtype: Any, size: float = 1.0) -> float:
    """A few roundings of a number of this size."""
    return 8 * float(np.finfo(dtype).eps) * max(1.0, abs(float(size)))

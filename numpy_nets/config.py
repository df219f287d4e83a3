"""Settings that hold everywhere: the default float type, and the ε of the crossentropies.

They hold for the process: a program sets the float type once, before it starts threads.
"""

_floatx = "float32"


def floatx() -> str:
    """The dtype of new variables and of data that enter a model."""
    return _floatx


def set_floatx(value: str) -> None:
    """Choose "float32" (the default) or "float64" for everything that is built from now on.

    >>> set_floatx("float64")
    >>> floatx()
    'float64'
    >>> set_floatx("float32")

    Raises ValueError for any other name.
    """
    global _floatx
    if value not in ("float32", "float64"):
        raise ValueError(f"set_floatx: expected 'float32' or 'float64', got {value!r}")
    _floatx = value


def epsilon() -> float:
    """1e-7: crossentropies keep probabilities in [epsilon, 1 - epsilon]."""
    return 1e-7

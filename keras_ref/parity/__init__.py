"""The proof: every public name of numpy_nets is computed here and in Keras and compared.

`CASES` is the one list of comparisons: the tests check each of its rows, and `python -m
keras_ref.parity` prints them. A case added to a file of `cases` is in both.
"""

from keras_ref import quiet  # noqa: F401  # before anything imports Keras
from keras_ref.parity.case import Case, Row, normwise_eps, precision, runs
from keras_ref.parity.cases import CASES

__all__ = ["CASES", "Case", "Row", "normwise_eps", "precision", "runs"]

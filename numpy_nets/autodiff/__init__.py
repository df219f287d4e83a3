"""Automatic differentiation: tensors, the tape, the table of derivatives, a gradient checker."""

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.gradcheck import GradientError, gradcheck
from numpy_nets.autodiff.op import op
from numpy_nets.autodiff.tape import GradientTape
from numpy_nets.autodiff.tensor import Tensor, Variable

__all__ = ["GradientError", "GradientTape", "Tensor", "Variable", "gradcheck", "op", "ops"]

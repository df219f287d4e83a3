"""How much of the classes can be read off features? Logistic regression as a classifier."""

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import number


def linear_probe(
    train: ArrayLike, y_train: ArrayLike, test: ArrayLike, y_test: ArrayLike, penalty: float = 1.0
) -> float:
    """The share of test features whose class multinomial logistic regression gets right.

    The features are standardised by the mean and standard deviation of the training features; one
    that is constant there is left out. W (d, classes) and b minimise

        -Σ_n log softmax(x_n W + b)[y_n] + ½ penalty |W|²

    which is convex, so the result depends on no initial weights and no seed. It says something only
    beside the same number for pixels and for the features of an untrained network.

    Args:
        train, test: (n, d) and (m, d).
        y_train, y_test: their labels, (n,) and (m,).
        penalty: with 0, W grows without bound where a plane separates the classes.

    Raises:
        ValueError: the shapes do not match, a value is not finite, or penalty is not positive.

    >>> linear_probe([[0.0], [1.0], [4.0], [5.0]], [3, 3, 7, 7], [[2.0], [3.0], [9.0]], [3, 7, 3])
    0.6666666666666666
    """
    from scipy.optimize import minimize

    penalty = number("linear_probe: penalty", penalty, "(0, inf)")
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    labels, y_test = np.asarray(y_train), np.asarray(y_test)
    if (
        train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1] or not train.size
        or labels.shape != train.shape[:1] or y_test.shape != test.shape[:1]
    ):  # fmt: skip
        raise ValueError(
            "linear_probe: expected features (n, d), (m, d) and a label for each, got "
            f"{labels.shape} for {train.shape} and {y_test.shape} for {test.shape}"
        )
    if not (np.isfinite(train).all() and np.isfinite(test).all()):
        raise ValueError("linear_probe: train, test: expected finite values")
    mean, std = train.mean(axis=0), train.std(axis=0)
    varying = std > 0
    x = (train[:, varying] - mean[varying]) / std[varying]
    classes, y = np.unique(labels, return_inverse=True)
    one_hot = np.eye(len(classes))[y]
    shape = (x.shape[1] + 1, len(classes))

    def loss(flat: Array) -> tuple[float, Array]:
        """L and its gradient: ∂L/∂W = Xᵀ(p - Y) + penalty W, ∂L/∂b = Σ_n (p - Y)."""
        w, b = np.split(flat.reshape(shape), [-1])
        logits = x @ w + b
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        error = np.exp(log_p) - one_hot
        value = -np.sum(one_hot * log_p) + 0.5 * penalty * np.sum(w * w)
        gradient = np.concatenate([x.T @ error + penalty * w, error.sum(axis=0, keepdims=True)])
        return float(value), gradient.ravel()

    solved = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
                      options={"maxiter": 1000})  # fmt: skip
    w, b = np.split(solved.x.reshape(shape), [-1])
    logits = (test[:, varying] - mean[varying]) / std[varying] @ w + b
    return float(np.mean(classes[logits.argmax(axis=1)] == y_test))

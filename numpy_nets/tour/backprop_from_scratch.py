"""Backpropagation in one file: a tape, six operations, a check, and a network that learns digits.

A program computes a number L, the loss, from arrays. Backpropagation finds ∂L/∂X for each of them:
how much L changes when an entry of X does. It takes two ideas.

1. While the program runs, write down what it does. An operation Y = f(X) leaves a note on the tape:
   Y, X, and a function that turns ∂L/∂Y into ∂L/∂X. (Such a function is called a vector-Jacobian
   product. It never builds the Jacobian, which for a layer of 784 units has millions of entries.)
2. Read the notes backwards. The last note has ∂L/∂L = 1; each note hands its gradient on to its
   inputs. An array that was used twice gets two gradients, and they add up: the chain rule.

Run it with `python backprop_from_scratch.py`. You need NumPy, and calculus.
"""

import numpy as np

tape = []  # notes (Y, [X, ...], [function from ∂L/∂Y to ∂L/∂X, ...]), in the order of execution


def note(y, inputs, vjps):
    tape.append((y, inputs, vjps))
    return y


# Six operations. G stands for ∂L/∂Y, and has the shape of Y.


def matmul(a, b):  # Y = A B, entry by entry Y_ij = Σ_k A_ik B_kj
    return note(a @ b, [a, b], [lambda g: g @ b.T, lambda g: a.T @ g])


def add(x, b):  # Y = X + B. A bias B (units,) is added to every row, so it gets the sum of all rows
    return note(x + b, [x, b], [lambda g: g, lambda g: g if b.shape == g.shape else g.sum(axis=0)])


def relu(x):  # Y = max(X, 0): its slope is 1 where X > 0, and 0 elsewhere
    return note(np.maximum(x, 0), [x], [lambda g: g * (x > 0)])


def sigmoid(x):  # Y = 1 / (1 + e^-X): the derivative of Y is Y (1 - Y)
    y = 1 / (1 + np.exp(-x))
    return note(y, [x], [lambda g: g * y * (1 - y)])


def square(x):  # Y = X²
    return note(x * x, [x], [lambda g: 2 * g * x])


def mean(x):  # Y = Σ X / n, one number: each entry of X contributes 1 / n of itself
    return note(np.array(x.mean()), [x], [lambda g: np.full(x.shape, g / x.size)])


def gradient(loss, sources):
    """Read the tape backwards: [∂loss/∂X for each X in sources]."""
    gradients = {id(loss): np.ones_like(loss)}
    for y, inputs, vjps in reversed(tape):
        if id(y) in gradients:  # otherwise the loss does not depend on y
            for x, vjp in zip(inputs, vjps):
                gradients[id(x)] = gradients.get(id(x), 0) + vjp(gradients[id(y)])
    tape.clear()
    return [gradients[id(x)] for x in sources]


# An autoencoder: squeeze an image x through a few numbers, and ask for the image back.


def autoencoder(x, weights):  # x (images, 784) -> (images, 784)
    w1, b1, w2, b2 = weights
    code = relu(add(matmul(x, w1), b1))  # (images, 32)
    return sigmoid(add(matmul(code, w2), b2))


def reconstruction_loss(x, weights):
    return mean(square(add(autoencoder(x, weights), -x)))


def initial_weights(pixels, units, rng):
    def kernel(rows, columns):  # small enough that the sums over rows neither grow nor vanish
        return rng.uniform(-1, 1, (rows, columns)) * np.sqrt(6 / (rows + columns))

    return [kernel(pixels, units), np.zeros(units), kernel(units, pixels), np.zeros(pixels)]


def check(x, weights, rng, entries=20, step=1e-6):
    """Move single weights by a small step: the loss must change as the gradient says."""
    worst = 0.0
    for w, g in zip(weights, gradient(reconstruction_loss(x, weights), weights)):
        for i in rng.integers(w.size, size=entries):
            old, losses = w.flat[i], []
            for w.flat[i] in (old + step, old - step):
                losses.append(reconstruction_loss(x, weights))
                tape.clear()
            w.flat[i] = old
            slope = (losses[0] - losses[1]) / (2 * step)
            worst = max(worst, abs(slope - g.flat[i]) / np.abs(g).max())
    return worst


def train(x, weights, rng, steps=400, rate=0.005):
    """Descend: RMSprop, a step against the gradient, divided by its usual size."""
    sizes = [np.zeros_like(w) for w in weights]
    for step in range(steps + 1):
        batch = x[rng.integers(len(x), size=100)]
        loss = reconstruction_loss(batch, weights)
        if step % 100 == 0:
            print(f"step {step:3}: squared error of a pixel {loss:.4f}")
        for w, g, size in zip(weights, gradient(loss, weights), sizes):
            size += 0.1 * (g * g - size)
            w -= rate * g / (np.sqrt(size) + 1e-7)


def compare_with_the_library(x, weights):
    """The same loss in numpy_nets: its gradients must be these, bit for bit."""
    from numpy_nets.autodiff import GradientTape, Variable, ops

    w1, b1, w2, b2 = variables = [Variable(w, dtype="float64") for w in weights]
    with GradientTape() as library_tape:
        code = ops.relu(ops.matmul(x, w1) + b1)
        image = ops.sigmoid(ops.matmul(code, w2) + b2)
        loss = ops.mean(ops.square(image + -x))
    theirs = library_tape.gradient(loss, variables)
    ours = gradient(reconstruction_loss(x, weights), weights)
    return all(a.tobytes() == b.numpy().tobytes() for a, b in zip(ours, theirs))


def main():
    from numpy_nets.datasets import digits

    (x, _), (test, _) = digits.load_data()
    x, test = (images.reshape(-1, 784) / 255 for images in (x, test))
    rng = np.random.default_rng(0)
    weights = initial_weights(784, 32, rng)
    print(f"worst gradient, against finite differences: {check(x[:50], weights, rng):.1e}")
    train(x, weights, rng)
    print(f"on images it has not seen: {reconstruction_loss(test, weights):.4f}")
    print(f"saying the mean image instead: {np.mean((test - x.mean(axis=0)) ** 2):.4f}")
    tape.clear()
    print(f"numpy_nets has the same gradients, bit for bit: {compare_with_the_library(x, weights)}")
    print("Read on in numpy_nets/autodiff/tape.py, which is this tape with its names and checks.")


if __name__ == "__main__":
    main()

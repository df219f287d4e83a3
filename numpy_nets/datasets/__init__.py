"""Data sets, as `(x_train, y_train), (x_test, y_test) = <name>.load_data()`.

| module        | images (train + test), uint8    | labels, uint8   | where the data comes from  |
|---------------|---------------------------------|-----------------|----------------------------|
| digits        | 6,000 + 1,000 of (28, 28)       | (N,), 0 to 9    | shipped with this package  |
| mnist         | 60,000 + 10,000 of (28, 28)     | (N,), 0 to 9    | Keras's cache, or download |
| fashion_mnist | 60,000 + 10,000 of (28, 28)     | (N,), 0 to 9    | Keras's cache, or download |
| cifar10       | 50,000 + 10,000 of (32, 32, 3)  | (N, 1), 0 to 9  | Keras's cache, or download |

Pixels are bytes from 0 to 255. `readers.load_file(path)` reads a file of your own: .npz, .npy, IDX,
a .bin batch of CIFAR-10, or Frey Face's .mat. `gaussians` draws points from mixtures in the plane,
and `baskets` draws or reads what customers bought together. Nothing here ever unpickles.
"""

from numpy_nets.datasets import baskets, cifar10, digits, fashion_mnist, mnist, readers

__all__ = ["baskets", "cifar10", "digits", "fashion_mnist", "mnist", "readers"]

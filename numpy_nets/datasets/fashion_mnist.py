"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT licence, Zalando SE)."""

from numpy_nets.datasets.download import BASE_URL, cache_dir, checked, fetch
from numpy_nets.datasets.idx import read_idx
from numpy_nets.datasets.raw import Labelled

# The name of a file: the shape of its array, and its SHA-256.
FILES = {
    "train-images-idx3-ubyte.gz": (
        (60000, 28, 28), "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    "train-labels-idx1-ubyte.gz": (
        (60000,), "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    "t10k-images-idx3-ubyte.gz": (
        (10000, 28, 28), "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        (10000,), "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}  # fmt: skip


def load_data() -> tuple[Labelled, Labelled]:
    """`(x_train, y_train), (x_test, y_test)`, the arrays that keras.datasets.fashion_mnist returns.

    Returns:
        x: (60000, 28, 28) and (10000, 28, 28) uint8, 0 (background) to 255.
        y: (60000,) and (10000,) uint8: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat,
            5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises:
        ValueError: a file in Keras's cache is not one of Fashion-MNIST's.
        OSError: a file is not in the cache and cannot be downloaded, or cannot be read.
    """
    folder = cache_dir() / "fashion-mnist"
    paths = [fetch(folder / name, BASE_URL + name, sha256) for name, (_, sha256) in FILES.items()]
    x_train, y_train, x_test, y_test = (
        checked(str(path), read_idx(path), FILES[path.name][0]) for path in paths
    )
    return (x_train, y_train), (x_test, y_test)

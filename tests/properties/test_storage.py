"""Any bytes at all give the weights that were asked for, or one line that names the file."""

import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import damaged, read_or_named_fault
from hypothesis import given
from hypothesis import strategies as st
from strategies import fewer

import numpy_nets
from numpy_nets.models import Model
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.storage import read_attributes, read_weights, write_weights
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint
from numpy_nets.storage.layout import load_weights

ARRAYS = {
    "layers/dense/vars/0": np.random.default_rng(0).normal(size=(4, 5)).astype("f4"),
    "layers/dense/vars/1": np.array([-0.0, 5e-324, 1.7976931348623157e308]),
    "layers/dense_1/vars/0": np.empty((0, 3), "f4"),
    "optimizer/vars/0": np.array(2**53 + 1),
    "optimizer/vars/1": np.array(0.001, "f4"),
}
EXPECTED = {name: (array.shape, array.dtype) for name, array in ARRAYS.items()}
SPARE_CHUNK = 2**20  # what a growable dataset may hold beyond its data


def packed(path: Path) -> None:
    """The same arrays in chunks, compressed, as other programs write them."""
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            options = {"compression": "gzip", "shuffle": True} if array.size > 1 else {}
            file.create_dataset(name, data=array, **options)
        file.attrs["epoch"] = np.bytes_("3")


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> list[bytes]:
    path = tmp_path_factory.mktemp("valid") / "valid.weights.h5"
    write_weights(path, ARRAYS, {"epoch": "3"})
    plain = path.read_bytes()
    packed(path)
    return [plain, path.read_bytes()]


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "damaged.weights.h5"


def read_everything(path: Path, content: bytes) -> None:
    """Whatever is read has the shapes and dtypes that were asked for, and is finite."""
    arrays = read_or_named_fault(lambda p: read_weights(p, EXPECTED), path, content, SPARE_CHUNK)
    for name, array in (arrays or {}).items():
        assert (array.shape, array.dtype) == EXPECTED[name]
        assert np.isfinite(array).all()
    for text in (read_or_named_fault(read_attributes, path, content) or {}).values():
        assert isinstance(text, str)


@fewer(8)  # for most of them a process is started; tests/fuzz/weights.py has many
@given(content=st.binary(max_size=2000), signed=st.booleans())
def test_arbitrary_bytes_are_refused_and_nothing_else(path, content, signed):
    read_everything(path, b"\x89HDF\r\n\x1a\n" * signed + content)


@fewer(8)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_gives_a_sound_result(path, valid, data):
    """Bytes changed, cut, inserted, appended, spliced."""
    read_everything(path, data.draw(damaged(valid)))


def test_undamaged_files_are_read(path, valid):
    for content in valid:
        path.write_bytes(content)
        for name, array in read_weights(path, EXPECTED).items():
            np.testing.assert_array_equal(array, ARRAYS[name])


def test_a_cut_file_is_always_refused(path, valid):
    content = valid[0]
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"damaged\.weights\.h5"):
            read_weights(path, EXPECTED)


def small() -> Model:
    """A model whose optimizer has taken a step."""
    model, _ = build_autoencoder(4, 2)
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4), "f4"), np.ones((2, 4), "f4"), verbose=0)
    return model


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> list[bytes]:
    path = tmp_path_factory.mktemp("checkpoint") / "c.weights.h5"
    history, settings = {"loss": [0.5, 0.25, 0.125]}, {"seed": 0}
    save_checkpoint(small(), path, 3, history=history, settings=settings)
    return [path.read_bytes()]


@fewer(8)
@pytest.mark.filterwarnings("ignore:.*the state of optimizer")
@given(data=st.data())
def test_a_damaged_checkpoint_is_loaded_whole_or_changes_nothing(path, checkpoints, data):
    model = small()
    before = state_of(model)
    content = data.draw(st.one_of(damaged(checkpoints), st.binary(max_size=100)))
    for load in (load_checkpoint, load_weights):
        if read_or_named_fault(lambda p, load=load: load(model, p) or True, path, content) is None:
            assert state_of(model) == before
        else:
            assert all(np.isfinite(w).all() for w in model.get_weights())
            before = state_of(model)


def state_of(model: Model) -> list[bytes | str]:
    arrays = [*model.get_weights(), *model.optimizer.get_state()]
    return [*(a.tobytes() for a in arrays), numpy_nets.random.get_state()]


READ_ALL = """
import resource, sys
import h5py, numpy as np
from fuzz.weights import ask_a_fork
from numpy_nets.storage import foreign, read_attributes, read_weights
folder, names, EXPECTED = sys.argv[1], range(int(sys.argv[2])), eval(sys.argv[3])
expected = {name: (shape, np.dtype(dtype)) for name, (shape, dtype) in EXPECTED.items()}
foreign.ask = ask_a_fork  # each fork begins with the memory of this process

def read(k):
    for function in lambda p: read_weights(p, expected), read_attributes:
        try:
            function(f"{folder}/{k}.weights.h5")
        except (ValueError, OSError):
            pass

read(0), read(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for k in names:
    read(k)
for who in resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN:
    print(resource.getrusage(who).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_the_memory_of_hdf5_too_stays_within_a_few_megabytes(tmp_path, valid):
    """tracemalloc does not see what C allocates, so the peak is that of a process of its own."""
    rng = random.Random(0)
    files = list(valid)
    for _ in range(60):
        content = bytearray(rng.choice(valid))
        filled = [place for place, byte in enumerate(content) if byte]
        for _ in range(rng.randint(1, 3)):
            content[rng.choice(filled)] = rng.choice([0, 1, 127, 128, 255])
        files.append(bytes(content))
    for k, content in enumerate(files):
        (tmp_path / f"{k}.weights.h5").write_bytes(content)
    expected = {name: (shape, dtype.str) for name, (shape, dtype) in EXPECTED.items()}
    process = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(tmp_path), str(len(files)), repr(expected)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    here, forks = map(int, process.stdout.split())
    assert here < 16 * 1024 and forks < 16 * 1024  # KiB

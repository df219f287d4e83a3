import hashlib
import io
import tarfile

import numpy as np
import pytest

from numpy_nets.datasets import cifar10


@pytest.fixture
def batches(monkeypatch):
    """Six batches of ten records each, whose hashes the module takes for the published ones."""
    rng = np.random.default_rng(0)
    records = [rng.integers(0, 256, (10, 3073), np.uint8) for _ in cifar10.BATCH_MD5]
    for batch in records:
        batch[:, 0] %= 10
    batches = {name: r.tobytes() for name, r in zip(cifar10.BATCH_MD5, records, strict=True)}
    md5 = {name: hashlib.md5(batch).hexdigest() for name, batch in batches.items()}
    monkeypatch.setattr(cifar10, "BATCH_MD5", md5)
    monkeypatch.setattr(cifar10, "RECORDS", 10)
    monkeypatch.setattr(cifar10, "BATCH_SIZE", 30730)
    return batches


@pytest.fixture
def save_archive(keras_home, monkeypatch):
    """save_archive(members): one in the cache that the module takes for the published one."""

    def save(members, **attributes):
        (keras_home / "datasets").mkdir(parents=True, exist_ok=True)
        path = keras_home / "datasets" / "cifar-10-binary.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                for attribute, value in attributes.items():
                    setattr(member, attribute, value)
                tar.addfile(member, io.BytesIO(content))
        monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
        return path

    return save


def published(batches):
    members = {f"cifar-10-batches-bin/{name}": content for name, content in batches.items()}
    return {"cifar-10-batches-bin/readme.html": b"", **members}


def check_data(batches):
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert x_train.shape == (50, 32, 32, 3) and y_train.shape == (50, 1)
    assert x_test.shape == (10, 32, 32, 3) and y_test.shape == (10, 1)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    record = batches["data_batch_2.bin"][3 * 3073 : 4 * 3073]
    assert y_train[13, 0] == record[0]
    row, column = 5, 7
    for channel in range(3):
        byte = record[1 + channel * 1024 + row * 32 + column]
        assert x_train[13, row, column, channel] == byte


def test_archive_in_the_cache_is_unpacked_once_and_read(keras_home, batches, save_archive):
    archive = save_archive(published(batches))
    check_data(batches)
    folder = keras_home / "datasets" / "cifar-10-batches-bin"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == batches
    archive.unlink()
    check_data(batches)


def test_unpacked_folder_is_used_and_only_missing_batches_are_written(
    keras_home, batches, save_archive
):
    folder = keras_home / "datasets" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    mine = bytes(30730)
    (folder / "test_batch.bin").write_bytes(mine)
    save_archive(published(batches))
    check_data(batches)
    assert (folder / "test_batch.bin").read_bytes() == mine


def test_batch_of_another_md5_is_refused_and_not_written(keras_home, batches, save_archive):
    members = published(batches) | {"cifar-10-batches-bin/data_batch_1.bin": bytes(30730)}
    save_archive(members)
    with pytest.raises(ValueError, match="tar.gz: data_batch_1.bin does not have .* MD5"):
        cifar10.load_data()
    assert list((keras_home / "datasets" / "cifar-10-batches-bin").iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "../", "/", "cifar-10-batches-bin/../", "other/"])
def test_members_elsewhere_are_not_taken(keras_home, batches, save_archive, prefix):
    save_archive({prefix + name: content for name, content in batches.items()})
    with pytest.raises(ValueError, match="has no regular file of 30,730 bytes as cifar-10"):
        cifar10.load_data()
    folder = keras_home / "datasets" / "cifar-10-batches-bin"
    assert not any(keras_home.rglob("*.bin")) and list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_and_special_members_are_not_taken(keras_home, batches, save_archive, kind):
    members = dict.fromkeys(published(batches), b"")
    save_archive(members, type=kind, linkname="/etc/passwd")
    with pytest.raises(ValueError, match="has no regular file"):
        cifar10.load_data()
    assert list((keras_home / "datasets" / "cifar-10-batches-bin").iterdir()) == []


def test_only_the_published_archive_is_opened(keras_home, batches, save_archive, monkeypatch):
    """Of another one, tarfile reads what it says into memory before anything can be checked."""
    path = save_archive(published(batches))
    content = path.read_bytes()
    monkeypatch.setattr(tarfile, "open", None)
    for other in (b"", content[:-1], content + b"x", b"<html>not found</html>"):
        path.write_bytes(other)
        digest = hashlib.sha256(other).hexdigest()
        with pytest.raises(ValueError) as caught:
            cifar10.load_data()
        assert str(caught.value) == (
            f"{path}: expected the published SHA-256 {cifar10.SHA256}, got {digest}; "
            "move the file away to have it downloaded again"
        )
        assert not (keras_home / "datasets" / "cifar-10-batches-bin").exists()


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"", "expected 30,730 bytes, got 0"), (b"\x0a" * 30730, "expected labels 0 to 9, got 10")],
)
def test_malformed_batch_is_named_with_its_fault(tmp_path, batches, content, fault):
    path = tmp_path / "test_batch.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"test_batch.bin: {fault}"):
        cifar10.read_batch(path)


def test_offline_error_says_where_to_put_the_file(keras_home):
    with pytest.raises(OSError) as caught:
        cifar10.load_data()
    assert cifar10.URL in str(caught.value)
    assert str(keras_home / "datasets" / "cifar-10-binary.tar.gz") in str(caught.value)


def test_real_test_batch_has_the_published_hash_and_a_thousand_images_of_each_class(real_data):
    path = real_data / "cifar10_test_batch.bin"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    content = path.read_bytes()
    assert hashlib.md5(content).hexdigest() == cifar10.BATCH_MD5["test_batch.bin"]
    x, y = cifar10.read_batch(path)
    assert x.shape == (10000, 32, 32, 3) and y.shape == (10000, 1)
    np.testing.assert_array_equal(np.bincount(y[:, 0]), 1000)
    assert x[1, 2, 3].tolist() == [content[3073 + 1 + c * 1024 + 2 * 32 + 3] for c in range(3)]

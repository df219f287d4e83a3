import numpy as np

from numpy_nets.cli import main
from numpy_nets.cli.recipes import denoising
from numpy_nets.cli.recipes.denoising import corrupted
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.models.denoising import (
    DenoisingAutoencoder,
    MaskingNoise,
    build_code_decoder,
    build_code_encoder,
)


def test_the_table_compares_on_clean_and_on_corrupted_images(trained, capsys):
    trained("denoising")
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    out = capsys.readouterr().out
    for row in ("denoising ", "PCA ", "denoising, corrupted", "PCA, corrupted"):
        assert row in out
    assert "nats per image" in out


def test_masking_all_pixels_is_refused(images, empty_folder, fails):
    fails(f"train denoising --data {images} --noise 1 --out run", "expected a number in [0, 1)")
    assert not (empty_folder / "run").exists()


def test_images_are_corrupted_by_the_noise_of_training():
    model = DenoisingAutoencoder(
        build_code_encoder(100, 2), build_code_decoder(100, 2), MaskingNoise(0.25), seed=0
    )
    x = np.ones((50, 100), np.float32)
    assert abs(corrupted(model, x).mean() - 0.75) < 5 * 0.43 / np.sqrt(x.size)


def test_fewer_features_than_ten_leave_no_empty_columns(trained, monkeypatch):
    run = load_saved(trained("denoising"))  # 4 units
    drawn = {}

    def save_images(path, images, columns, title, **labels):
        drawn[path.name] = len(images), columns

    monkeypatch.setattr(denoising, "save_images", save_images)
    run.recipe.draw(run.model, run.images(), run.settings, run.folder)
    assert drawn["features.png"] == (4, 4)

import pytest

import numpy_nets
from numpy_nets.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "expected a command: numpy-nets train"),
        ("trian", "did you mean 'train'"),
        ("train", "expected a command: numpy-nets train autoencoder"),
        ("train autoencodr", "did you mean 'autoencoder'"),
        ("train autoencoder --epohcs 3", "did you mean '--epochs'"),
        ("train autoencoder --epohcs=3", "did you mean '--epochs'"),
        ("train autoencoder what", "unknown argument 'what'"),
        ("train autoencoder --epochs", "--epochs"),
        ("train autoencoder --epochs 0", "expected an integer >= 1 and <= 2,147,483,647, got '0'"),
        ("train autoencoder --epochs many", "<= 2,147,483,647, got 'many'"),
        ("train autoencoder --batch-size 1.5", "<= 2,147,483,647, got '1.5'"),
        ("train autoencoder --latent -3", "<= 2,147,483,647, got '-3'"),
        ("train autoencoder --seed -1", "expected an integer >= 0 and <= 2,147,483,647, got '-1'"),
        ("train autoencoder --seed 1" + 400 * "0", "expected an integer >= 0"),
        ("train autoencoder --latent 1000000000", "too large for memory"),
        ("train autoencoder --learning-rate 1e30", "expected a number > 0 and <= 1"),
        ("train autoencoder --learning-rate 0", "expected a number > 0 and <= 1, got '0'"),
        ("train autoencoder --learning-rate nan", "expected a number > 0 and <= 1, got 'nan'"),
        ("train autoencoder --learning-rate inf", "expected a number > 0 and <= 1, got 'inf'"),
        ("train autoencoder --data mnits", "did you mean 'mnist'"),
        ("train autoencoder --resume", "--out DIR"),
        ("train vea", "did you mean 'vae'"),
        ("train vae --activation rleu", "--activation: unknown 'rleu'; did you mean 'relu'?"),
        ("train vae --likelihood poisson", "known: bernoulli, gaussian"),
        ("train vae --binarize statc", "did you mean 'static'"),
        ("train vae --beta -1", "--beta: expected a number >= 0"),
        ("train vae --samples 0", "--samples: expected an integer >= 1"),
        ("train autoencoder --samples 2", "unknown argument '--samples'"),
        ("evaluate", "required: RUN"),
        ("evaluate nowhere --sample 3", "did you mean '--samples'"),
        ("sample nowhere what", "unknown argument 'what'"),
        ("interpolate nowhere", "nowhere: holds no run"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, said, capsys, empty_folder):
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("numpy-nets: error: ")
    assert said in err
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "train --help",
        "train autoencoder --help",
        "train cvae --help",
        "evaluate --help",
        "sample --help",
        "interpolate --help",
    ],
)
def test_help_tells_the_commands_and_arguments(words, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(words.split())
    assert "usage: numpy-nets" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"numpy_nets {numpy_nets.__version__}\n"

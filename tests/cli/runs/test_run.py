"""Run folders in all the states in which kills, power cuts, old versions and people leave them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.commands import train
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.recipes.gan import GANRecipe
from numpy_nets.cli.runs import run as runs
from numpy_nets.cli.runs import threads
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.storage import layout
from numpy_nets.storage.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint


@pytest.fixture(autouse=True)
def no_report(monkeypatch):
    """It takes longer than everything else, and is tested elsewhere."""
    for recipe in RECIPES.values():
        for method in ("draw", "draw_curves", "print_table"):
            monkeypatch.setattr(type(recipe), method, lambda *_: None)


OTHER = {"dec": ["--pretraining", "1", "--clusters", "3", "--tolerance", "0"]}


def words(model, images, *more):
    return ["train", model, "--data", str(images), "--latent", "4", "--batch-size", "16",
            *OTHER.get(model, []), *more]  # fmt: skip


def contents(folder):
    """All but the times, which are never the same, and the page, whose table is not made here."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    for name in ("times.csv", "index.html"):
        files.pop(name, None)
    return files


def settings(folder, **changes):
    """The settings of a run, changed if need be; None removes one."""
    file = folder / "settings.json"
    document = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))
    return document


def as_before_checkpoints_held_the_history(folder):
    """Take from a run's folder what was not there then."""
    recipe = RECIPES[settings(folder)["model"]]
    model = recipe.build(recipe.settings.from_json(settings(folder)))
    epoch = load_checkpoint(model, folder / "checkpoint.weights.h5")
    save_checkpoint(model, folder / "checkpoint.weights.h5", epoch)
    settings(folder, data_digest=None, threads=None)
    (folder / "times.csv").unlink()


# The data


@pytest.mark.parametrize("part", ["y_train", "y_test"])
def test_a_run_does_not_go_on_with_other_labels(part, images, empty_folder, fails):
    assert main(words("cvae", images, "--epochs", "1", "--out", "run")) == 0
    stored = dict(np.load(images))
    np.savez(images, **{**stored, part: stored[part][::-1]})
    fails("train cvae --out run --resume --epochs 2", "small.npz are not those that it was trained")
    fails("evaluate run", "small.npz: has changed since the run run")


def test_an_old_run_knows_its_images_by_their_bytes_and_is_evaluated_and_resumed(
    images, empty_folder, fails
):
    assert main(words("cvae", images, "--epochs", "3", "--out", "whole")) == 0
    assert main(words("cvae", images, "--epochs", "2", "--out", "run")) == 0
    as_before_checkpoints_held_the_history(empty_folder / "run")
    assert main(["evaluate", "run"]) == 0
    assert main(["compare", "run", "whole"]) == 0
    stored = dict(np.load(images))
    np.savez(images, **{**stored, "x_train": stored["x_train"][::-1]})
    fails("train cvae --out run --resume", "small.npz are not those that it was trained on")
    fails("evaluate run", "has changed since the run")
    np.savez(images, **stored)
    assert main(["train", "cvae", "--out", "run", "--resume", "--epochs", "3"]) == 0
    whole, old = contents(empty_folder / "whole"), contents(empty_folder / "run")
    assert json.loads(old.pop("settings.json")) == {
        **json.loads(whole.pop("settings.json")), "threads": None,
    }  # fmt: skip
    assert old == whole


# The history


@pytest.mark.parametrize("damage", [
    lambda text: "",
    lambda text: None,
    lambda text: "".join(text.splitlines(True)[:-1]),  # the last row lost
    lambda text: text + text.splitlines(True)[-1],
    lambda text: text.splitlines(True)[0] + text.splitlines(True)[2] * 2,
    lambda text: text[:-9],
    lambda text: text.replace("loss", "lost"),
    lambda text: text.replace("\n", ",7\n"),
    lambda text: text.replace(",", ";"),
    lambda text: "\0" * len(text),
])  # fmt: skip
@pytest.mark.parametrize("model", ["vae", "gan"])
def test_the_history_is_written_anew_from_the_checkpoint(model, damage, trained):
    folder = trained(model)
    before, file = contents(folder), folder / "history.csv"
    text = damage(file.read_text())
    file.unlink()
    if text is not None:
        file.write_text(text)
    assert main(["evaluate", "run"]) == 0
    assert main(["train", model, "--out", "run", "--resume"]) == 0
    assert contents(folder).items() >= before.items()


def test_the_checkpoint_of_a_long_run_holds_its_history(empty_folder):
    """More of it than an attribute of HDF5 holds."""
    model = RECIPES["vae"].build(RECIPES["vae"].settings(image_shape=(3, 3), hidden=2, latent=2))
    values = np.random.default_rng(0).random((3, 5000))
    history = {f"metric_{k}": row.tolist() for k, row in enumerate(values)}
    save_checkpoint(model, "c.weights.h5", 5000, history=history, settings={"seed": 3})
    saved = read_checkpoint("c.weights.h5")
    assert saved.epoch == 5000 and saved.history == history and saved.settings == {"seed": 3}
    assert load_checkpoint(model, "c.weights.h5") == 5000


@pytest.mark.parametrize(
    ("name", "text"),
    [("history", '{"loss": [1.0]'), ("history", '{"loss": [1.0]}'), ("history", '{"loss": 2}'),
     ("history", '{"loss": [1.0, "2"]}'), ("history", "[]"), ("history", "[" * 10_000),
     ("settings", "{"), ("settings", "3")],
)  # fmt: skip
def test_a_checkpoint_with_a_damaged_text_is_one_line(name, text, trained, fails):
    folder = trained("vae")
    recipe = RECIPES["vae"]
    model = recipe.build(recipe.settings.from_json(settings(folder)))
    load_checkpoint(model, folder / "checkpoint.weights.h5")
    attributes = {"epoch": "2", "random_state": json.dumps({}), f"{name}_0": text}
    layout.save_weights(model, folder / "checkpoint.weights.h5", attributes=attributes)
    for command in ("evaluate run", "train vae --out run --resume"):
        fails(command, "checkpoint.weights.h5: damaged: ")


# Runs whose checkpoint is from before it held the history


@pytest.mark.parametrize("model", RECIPES)
def test_an_old_run_goes_on_as_if_it_were_a_new_one(model, images, empty_folder):
    assert main(words(model, images, "--epochs", "3", "--out", "whole")) == 0
    assert main(words(model, images, "--epochs", "2", "--out", "run")) == 0
    folder = empty_folder / "run"
    as_before_checkpoints_held_the_history(folder)
    # as Keras's CSVLogger writes it
    header, *rows = (folder / "history.csv").read_text().splitlines()
    if "val_" not in header:
        header, rows = f"{header},val_x,val_y", [f"{row},NA,NA" for row in rows]
    (folder / "history.csv").write_bytes("".join(f"{x}\r\n" for x in [header, *rows]).encode())
    assert main(["evaluate", "run"]) == 0
    assert main(["train", model, "--out", "run", "--resume", "--epochs", "3"]) == 0
    old, whole = contents(folder), contents(empty_folder / "whole")
    assert old.pop("settings.json") != whole.pop("settings.json")  # without threads
    assert old == whole


@pytest.mark.parametrize(
    ("keep", "lost"), [([0], [1]), ([1], [0]), ([0, 0], [1]), ([], [0, 1]), (None, [0, 1])]
)
@pytest.mark.parametrize("model", ["vae", "gan"])
def test_rows_that_an_old_run_has_lost_are_nan_and_do_not_block_it(
    model, keep, lost, images, empty_folder, capsys
):
    assert main(words(model, images, "--epochs", "2", "--out", "run")) == 0
    folder = empty_folder / "run"
    file, recipe = folder / "history.csv", RECIPES[model]
    as_before_checkpoints_held_the_history(folder)
    header, *rows = file.read_text().splitlines(True)
    file.unlink()
    if keep is not None:
        file.write_text("".join([header, *(rows[k] for k in keep)]))
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    for epochs in ("2", "3"):
        assert main(["train", model, "--out", "run", "--resume", "--epochs", epochs]) == 0
    said = f"history.csv: no whole row for {len(lost)} of 2 epochs, the first of them {lost[0]}: "
    assert capsys.readouterr().err.count(said) == 1  # then the checkpoint holds the history
    values = read_checkpoint(folder / "checkpoint.weights.h5").history
    for name in recipe.shown:
        assert np.isnan(values[name]).tolist() == [k in lost for k in range(3)]
    assert len(file.read_text().splitlines()) == 4


def test_curves_with_lost_rows_are_drawn(images, empty_folder, monkeypatch):
    assert main(words("gan", images, "--epochs", "1", "--out", "run")) == 0
    monkeypatch.undo()
    monkeypatch.chdir(empty_folder)
    monkeypatch.setattr(GANRecipe, "draw", lambda *_: None)
    monkeypatch.setattr(GANRecipe, "print_table", lambda *_: None)
    as_before_checkpoints_held_the_history(empty_folder / "run")
    (empty_folder / "run/history.csv").unlink()
    assert main(["train", "gan", "--out", "run", "--resume"]) == 0
    assert (empty_folder / "run/curves.png").exists()


def test_renamed_columns_of_an_old_run_are_one_line_that_says_what_to_do(trained, fails):
    folder = trained("gan")
    as_before_checkpoints_held_the_history(folder)
    file = folder / "history.csv"
    file.write_text(file.read_text().replace("d_loss,", "loss_of_d,"))
    before = contents(folder)
    said = "history.csv: damaged: expected columns epoch, d_loss, g_loss, d_real, d_fake, got"
    fails("train gan --out run --resume", said)
    assert contents(folder) == before
    file.unlink()  # as the message says
    assert main(["train", "gan", "--out", "run", "--resume"]) == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells the name of an open file")
def test_the_pictures_of_an_epoch_are_on_the_disk_before_its_checkpoint(
    images, empty_folder, monkeypatch
):
    """A power cut in between would leave a run that does not train this epoch again."""
    order, replace = [], os.replace

    def fsync(number):
        order.append(Path(f"/proc/self/fd/{number}").resolve().name)

    def replaced(source, target):
        order.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replaced)
    assert main(words("gan", images, "--epochs", "3", "--out", "run")) == 0
    ends = [k for k, name in enumerate(order) if name == "checkpoint.weights.h5"]
    assert len(ends) == 3
    for epoch, position in enumerate(ends, 1):
        assert order.index(f"epoch-{epoch:04}.png") < position


# Leftovers


TEMPORARY = ["settings.json.tmp", "history.csv.tmp", ".0123456789abcdef.tmp", ".lock"]


@pytest.mark.parametrize("left", TEMPORARY)
def test_what_a_killed_run_has_left_is_in_nobodys_way_and_goes(left, images, empty_folder, fails):
    assert main(words("vae", images, "--epochs", "1", "--out", "whole")) == 0
    folder = empty_folder / "run"
    folder.mkdir()
    (folder / left).write_text('{"latent')
    fails("train vae --out run --resume", "run: holds no run: there is no settings.json")
    assert main(words("vae", images, "--epochs", "1", "--out", "run")) == 0
    assert contents(folder) == contents(empty_folder / "whole")
    (folder / left).write_text('{"latent')
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0
    assert contents(folder) == contents(empty_folder / "whole")


def test_a_folder_with_any_other_file_is_not_touched(images, empty_folder, fails):
    for name in ("mine.txt", "settings.json", "vae.weights.h5", "sub/settings.json"):
        folder = empty_folder / "run"
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text('{"editor.tabSize": 4}')
        (folder / "settings.json.tmp").write_text("mine as well, then")
        fails(" ".join(words("vae", images, "--out", "run")), "--out run: exists already")
        assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")} == {
            name, "settings.json.tmp",
        }  # fmt: skip
        shutil.rmtree(folder)


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_a_run_that_diverges_at_once_leaves_a_folder_for_its_own_advice(
    model, images, empty_folder, capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(train.StopOnDivergence, "on_train_batch_end", diverge(batch=2))
        assert main(words(model, images, "--epochs", "1", "--out", "run")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("try a smaller --learning-rate")
    again = [*words(model, images, "--epochs", "1"), "--learning-rate", "1e-5", "--out"]
    assert main([*again, "run"]) == 0
    assert main([*again, "new"]) == 0
    assert contents(empty_folder / "run") == contents(empty_folder / "new")


def diverge(batch):
    """The callback's method, to which a later batch's loss is not finite."""
    seen, check = [], train.StopOnDivergence.on_train_batch_end

    def on_train_batch_end(self, number, logs=None):
        seen.append(number)
        check(self, number, {"loss": np.inf} if len(seen) == batch else logs)

    return on_train_batch_end


def test_a_run_that_diverges_later_keeps_its_epochs_and_says_where(
    images, empty_folder, capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(train.StopOnDivergence, "on_train_batch_end", diverge(batch=10))
        assert main(words("vae", images, "--epochs", "4", "--out", "run")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("try a smaller --learning-rate and another --out: run keeps 2 epochs")
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0


def test_the_weights_of_a_former_end_do_not_outlive_a_kill_near_the_next(
    images, empty_folder, fails, monkeypatch
):
    """The last checkpoint was there, and the weights were still those of the first epoch."""
    assert main(words("vae", images, "--epochs", "1", "--out", "run")) == 0

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "_report", killed)
        assert main(["train", "vae", "--out", "run", "--resume", "--epochs", "2"]) == 130
    fails("evaluate run", "run: the run has not ended")
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0
    assert main(["evaluate", "run"]) == 0


def test_a_run_that_ended_keeps_its_weights_when_its_checkpoint_was_removed(trained, fails):
    folder = trained("vae")
    (folder / "checkpoint.weights.h5").unlink()
    before = contents(folder)
    assert main(["evaluate", "run"]) == 0
    fails("train vae --out run --resume --epochs 3", "expected checkpoint.weights.h5 beside")
    assert contents(folder) == before


# Two processes


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
@pytest.mark.parametrize("resume", [False, True])
def test_of_two_processes_in_one_folder_one_trains(resume, images, empty_folder):
    def arguments(*more):
        return words("autoencoder", images, "--epochs", "30", "--out", *more)

    assert main(arguments("whole")) == 0
    again = arguments("run")
    if resume:
        assert main(arguments("run", "--epochs", "1")) == 0
        again.append("--resume")
    both = [
        subprocess.Popen([sys.executable, "-m", "numpy_nets", *again], stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    # One that comes after the end finds a run, or has nothing to add to it.
    assert codes.count(0) == 1 or (resume and codes == [0, 0]), said
    for code, text in zip(codes, said, strict=True):
        if code:
            assert code == 2 and text.count("\n") == 1, text
            assert "in use" in text or (not resume and "exists already" in text), text
    for name in ("history.csv", "autoencoder.weights.h5", "checkpoint.weights.h5"):
        assert (empty_folder / "run" / name).read_bytes() == (
            empty_folder / "whole" / name
        ).read_bytes()


def test_two_runs_that_choose_the_same_folder_at_once_get_one_each(empty_folder, monkeypatch):
    choose = runs.free_path

    def beaten(parent, stem):
        """Another process creates the folder that was free."""
        monkeypatch.setattr(runs, "free_path", choose)
        path = choose(parent, stem)
        path.mkdir(parents=True)
        return path

    monkeypatch.setattr(runs, "free_path", beaten)
    assert runs.new_folder(empty_folder / "runs", "vae-digits").name == "vae-digits-2"


# Threads


def test_another_number_of_threads_is_said_in_a_line_that_names_both(
    images, empty_folder, monkeypatch, capsys
):
    assert main(words("vae", images, "--epochs", "1", "--out", "run")) == 0
    assert settings(empty_folder / "run")["threads"] == threads.blas_threads()
    settings(empty_folder / "run", threads=64)
    capsys.readouterr()
    go_on = ["train", "vae", "--out", "run", "--resume"]
    assert main(go_on) == 0
    assert "threads" not in capsys.readouterr().err  # nothing is trained
    assert main([*go_on, "--epochs", "2"]) == 0
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("warning: ")]
    assert len(lines) == 1
    assert f"the number of BLAS threads was 64, now {threads.blas_threads()}: " in lines[0]
    assert settings(empty_folder / "run")["threads"] == 64  # as the run was begun


def test_the_same_number_of_threads_is_not_mentioned(images, empty_folder, capsys):
    assert main(words("vae", images, "--epochs", "1", "--out", "run")) == 0
    assert main(["train", "vae", "--out", "run", "--resume", "--epochs", "2"]) == 0
    assert "warning" not in capsys.readouterr().err


# The checkpoint of another run


@pytest.mark.parametrize(
    ("change", "said"),
    [(["--seed", "5"], "seed was 5, now 0"), (["--learning-rate", "0.1"], "learning_rate was 0.1"),
     (["--binarize", "static"], "binarize was 'static', now 'none'"),
     (["--beta", "2"], "beta was 2.0, now 1.0"), (["--data"], "the data ")],
)  # fmt: skip
def test_the_checkpoint_of_a_run_with_other_settings_or_data_is_refused(
    change, said, images, empty_folder, fails
):
    assert main(words("vae", images, "--epochs", "1", "--out", "run")) == 0
    if change == ["--data"]:
        stored = dict(np.load(images))
        np.savez("other.npz", **{**stored, "y_test": stored["y_test"][::-1]})
        change = ["--data", "other.npz"]
    assert main([*words("vae", images, "--epochs", "2", "--out", "other"), *change]) == 0
    shutil.copy("other/checkpoint.weights.h5", "run/checkpoint.weights.h5")
    before = contents(empty_folder / "run")
    fails("train vae --out run --resume --epochs 3",
          f"run/checkpoint.weights.h5: is of another run: {said}")  # fmt: skip
    assert contents(empty_folder / "run") == before


# Times


def test_the_seconds_are_those_of_every_epoch_once(images, empty_folder, monkeypatch):
    """An epoch that was interrupted after it had been timed is trained, and counted, again."""
    clock = iter(range(1000))
    monkeypatch.setattr(runs.time, "perf_counter", lambda: float(next(clock)) ** 2)
    save, epochs = runs.save_checkpoint, []

    def die(model, path, epoch, **more):
        epochs.append(epoch)
        if epochs == [1, 2, 3]:
            raise KeyboardInterrupt
        save(model, path, epoch, **more)

    monkeypatch.setattr(runs, "save_checkpoint", die)
    assert main(words("vae", images, "--epochs", "4", "--out", "run")) == 130
    file = empty_folder / "run/times.csv"
    assert file.read_text().splitlines() == ["epoch,seconds", "0,1.0", "1,5.0", "2,9.0"]
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0
    assert file.read_text().splitlines()[1:] == ["0,1.0", "1,5.0", "2,13.0", "3,17.0"]
    assert load_saved(empty_folder / "run").seconds() == 36


@pytest.mark.parametrize(
    "text",
    [None, "", "epoch,seconds\n0,1.5\n", "epoch,seconds\n0,1.5\n1,x\n",
     "epoch,minutes\n0,1\n1,1\n", "epoch,seconds\n0,1\n1,NA\n"],
)  # fmt: skip
def test_without_the_time_of_every_epoch_there_is_no_sum(text, trained):
    file = trained("vae") / "times.csv"
    file.unlink()
    if text is not None:
        file.write_text(text)
    assert load_saved(file.parent).seconds() is None
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0

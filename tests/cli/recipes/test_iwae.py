import csv

from numpy_nets.cli.recipes.iwae import IWAERecipe


def test_the_loss_is_the_bound(trained):
    with open(trained("iwae") / "history.csv", newline="") as file:
        (row, *_) = csv.DictReader(file)
    assert row["val_loss"] == row["val_negative_bound"]


def test_there_is_no_beta_as_the_bound_has_no_kl_term(fails):
    assert "beta" not in {option.name for option in IWAERecipe.settings.options()}
    fails("train iwae --beta 2", "unknown argument '--beta'")

"""numpy-nets train baskets: Mult-VAE beside popularity, rules, cosines, PCA and EASE."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.arguments import number
from numpy_nets.cli.recipes.recipe import Labels, Recipe
from numpy_nets.cli.runs.baskets import DRAWN, find_items, load_baskets
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.runs.run import HISTORY
from numpy_nets.cli.runs.tables import read_table
from numpy_nets.cli.settings import Settings, count, option, rate
from numpy_nets.datasets.baskets import RULES, true_confidence
from numpy_nets.evaluation.association import (
    Rule,
    Scorer,
    best_rule,
    choose_ease,
    item_cosine,
    popularity,
    principal_components,
    rules_from,
)
from numpy_nets.evaluation.likelihood import elbo
from numpy_nets.evaluation.recall import hold_out, recall
from numpy_nets.models.baskets import MultVAE
from numpy_nets.models.vae import build_decoder, build_encoder
from numpy_nets.optimizers import Adam

NAME = "Mult-VAE"
BEST = "best.weights.h5"  # those of the epoch that is best on the validation baskets
COMPONENTS = 30  # of PCA
FEWEST = 10  # baskets with both of two items, so that their rule says something


@dataclass(frozen=True)
class BasketSettings(Settings):
    """The settings of a VAE of baskets."""

    data: str = option(
        DRAWN, str,
        f"{DRAWN}, drawn with rules planted in them, or a .npz file with baskets and items",
    )  # fmt: skip
    binarize: str = "none"  # not an option: baskets are of zeros and ones
    epochs: int = count(30, "passes over the data, of which the best on validation baskets counts")
    batch_size: int = count(200, "baskets in a step")
    learning_rate: float = rate(1e-3)
    latent: int = count(64, "length of a code")
    hidden: int = count(200, "units of each hidden layer")
    beta: float = option(0.05, number(float, 0, most=1e6), "weight of the KL term, in the end")
    anneal: int = count(300, "steps in which that weight rises from 0")
    dropout: float = option(0.5, number(float, 0, most=0.99), "share of items that are not shown")


class BasketRecipe(Recipe[BasketSettings, MultVAE]):
    """Mult-VAE, which is judged by how well it knows what else is in a basket."""

    name = "baskets"
    help = "a variational autoencoder of baskets, beside rules and closed forms"
    settings = BasketSettings
    unit = "nats per basket"
    shown = ("loss", "val_loss", "val_recall")
    things = "baskets"
    named_data = (DRAWN,)

    def load(self, name: str) -> Images:
        return load_baskets(name)

    def build(self, settings: BasketSettings) -> MultVAE:
        sizes = (settings.pixels, settings.hidden, settings.latent, "tanh")
        model = MultVAE(
            build_encoder(*sizes), build_decoder(*sizes), settings.beta, settings.anneal,
            settings.dropout,
        )  # fmt: skip
        model.compile(Adam(settings.learning_rate))
        return model

    def batch(self, model: MultVAE, x: Array, y: Labels) -> tuple[Array, ...]:
        return (x,)

    def callbacks(
        self, model: MultVAE, data: Images, settings: BasketSettings, folder: Path
    ) -> Sequence[Callback]:
        return [KeepBest(model, data, folder)]

    def finish(self, model: MultVAE, folder: Path) -> None:
        model.load_weights(folder / BEST)

    def draw(self, model: MultVAE, data: Images, settings: BasketSettings, folder: Path) -> None:
        """Nothing: a basket is no picture."""

    def compared(self, model: MultVAE, data: Images) -> dict[str, str]:
        k = places(data)
        given, held_out = hold_out(data.x_test, 0)
        return {f"Recall@{k}": str(recall(scorer(model)(given), given, held_out, k))}

    def suggest(self, model: MultVAE, data: Images, given: str, count: int) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        items = find_items(given, data.names)
        basket = np.zeros((1, len(data.names)), np.float32)
        basket[0, items] = 1
        logits = scorer(model)(basket)[0]
        probability = np.exp(logits - logits.max())
        probability /= probability.sum()
        probability[items] = -1
        order = np.argsort(-probability, kind="stable")[: min(count, len(data.names) - len(items))]
        rules = surest_rules(data.x_train, items)
        table = Table(title=Text(f"what goes with {listed(items, data.names)}"))
        table.add_column("")
        table.add_column(f"{NAME} says", justify="right")
        table.add_column("the surest rule is from")
        for heading in ("support", "confidence", "lift"):
            table.add_column(heading, justify="right")
        for item in order:
            why: tuple[Text | str, ...] = ("–",)  # they were never bought together
            if rule := rules.get(item):
                why = (
                    Text(listed(rule.antecedent, data.names)), f"{rule.support:.1%}",
                    f"{rule.confidence:.0%}", f"{rule.lift:.1f}",
                )  # fmt: skip
            table.add_row(Text(data.names[item]), f"{probability[item]:.1%}", *why)
        console = Console()
        console.print(table)
        console.print(
            f"Of the next item that is drawn, {NAME} gives the probability. Support is the share "
            f"of the {len(data.x_train):,} training baskets that have all items of the rule, "
            "confidence that of the baskets with the items it is from, and lift is by how much "
            "these raise it."
        )

    def print_table(
        self, model: MultVAE, data: Images, settings: BasketSettings, samples: int | None,
        most: int, printed: Printed,
    ) -> None:  # fmt: skip
        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, whose table draws no codes")
        if not settings.same_data(settings.on(data)):
            raise ValueError(
                f"--data: expected none, as the model is {self.name}, which is tested beside "
                "methods that are fitted to the data of its run"
            )
        methods = fitted(data)
        methods[NAME] = Fitted(scorer(model), printed.seconds)
        print_recall(methods, data, printed)
        x = data.x_test
        shares = data.x_train.sum(axis=0) + 0.5  # so that no item is impossible
        popular = -np.mean(x @ np.log(shares / shares.sum()))
        printed.print(
            f"-ELBO of the test baskets: {-np.mean(elbo(model, x)):.2f} nats per basket; with the "
            f"popularity of an item for its probability, -log p is {popular:.2f}. Training with "
            f"β = {settings.beta:g} gives up some of that bound for better suggestions."
        )
        if settings.data == DRAWN:
            print_planted(methods, data, printed)


class Fitted(NamedTuple):
    """A method, and the seconds in which it was fitted, if they are known."""

    score: Scorer
    seconds: float | None


def fitted(data: Images) -> dict[str, Fitted]:
    """The methods without training, by name, fitted to the training baskets."""
    x = data.x_train
    components = min(COMPONENTS, len(data.names))
    methods = {
        "popularity": timed(lambda: popularity(x)),
        "best single rule": timed(lambda: best_rule(x)),
        "item cosine": timed(lambda: item_cosine(x)),
        f"PCA-{components}": timed(lambda: principal_components(x, components)),
    }
    start = time.perf_counter()
    ease = choose_ease(x, *hold_out(validation(data), 0), places(data))
    seconds = time.perf_counter() - start
    return methods | {f"EASE, λ = {ease.penalty:g}": Fitted(ease.score, seconds)}


def timed(fit: Callable[[], Scorer]) -> Fitted:
    """What `fit` returns, with its seconds."""
    start = time.perf_counter()
    score = fit()
    return Fitted(score, time.perf_counter() - start)


def scorer(model: MultVAE) -> Scorer:
    """The logits of the items, given baskets."""

    def score(given: Array) -> Array:
        logits: Array = model.predict(given.astype(np.float32), batch_size=1000, verbose=0)
        return logits

    return score


def places(data: Images) -> int:
    """The k of Recall@k: 20 as in the paper, or 5 where 20 would be half of all items."""
    return 20 if len(data.names) >= 100 else 5


def validation(data: Images) -> Array:
    """The baskets by which settings and the best epoch are chosen."""
    assert data.x_valid is not None
    return data.x_valid


class KeepBest(Callback):
    """Adds val_recall to the logs, and keeps the weights of the epoch in which it is highest.

    Of several equal epochs the first counts. A run that goes on reads in its history what the best
    was; the weights file is written before the checkpoint, so it is never of an earlier epoch.
    """

    def __init__(self, model: MultVAE, data: Images, folder: Path) -> None:
        self.mult_vae, self.file, self.k = model, folder / BEST, places(data)
        self.given, self.held_out = hold_out(validation(data), 0)
        _, rows = read_table(folder / HISTORY)
        self.best = max((row.get("val_recall", -1.0) for row in rows.values()), default=-1.0)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        assert isinstance(logs, dict)  # which the callbacks after this one get, too
        scores = scorer(self.mult_vae)(self.given)
        value = recall(scores, self.given, self.held_out, self.k).mean
        logs["val_recall"] = value
        if value > self.best:
            self.best = value
            self.mult_vae.save_weights(self.file)


def print_recall(methods: dict[str, Fitted], data: Images, printed: Printed) -> None:
    """The table of all methods, and which is the best."""
    from rich.table import Table

    k = places(data)
    given, held_out = hold_out(data.x_test, 0)
    results = {
        name: recall(method.score(given), given, held_out, k) for name, method in methods.items()
    }
    tables = []
    for headings in ((f"Recall@{k}", "seconds to fit"), (f"Recall@{k}",)):
        table = Table(title=f"{len(given):,} test baskets, a fifth of each held out")
        table.add_column("")
        for heading in headings:
            table.add_column(heading, justify="right")
        for name, method in methods.items():
            seconds = "–" if method.seconds is None else f"{method.seconds:.2f}"
            table.add_row(name, *(str(results[name]), seconds)[: len(headings)])
        tables.append(table)
    printed.print(*tables)
    best = max(results, key=lambda name: results[name].mean)
    printed.print(f"The best of them is {best}. ± is the standard error over the baskets.")


def print_planted(methods: dict[str, Fitted], data: Images, printed: Printed) -> None:
    """Which of the planted rules are found: their consequent is the first that is suggested."""
    from rich.table import Table

    ease = next(name for name in methods if name.startswith("EASE"))
    table = Table(title="the planted rules, and the place at which each method has the consequent")
    table.add_column("")
    for heading in ("true confidence", "in the baskets", "lift", "rules", "EASE", NAME):
        table.add_column(heading, justify="right")
    ranks = []
    for planted in RULES:
        antecedent = [data.names.index(item) for item in planted.antecedent]
        consequent = data.names.index(planted.consequent)
        rules = rules_from(data.x_train, antecedent)
        by_rules = [rule.consequent for rule in rules].index(consequent)
        basket = np.zeros((1, len(data.names)), np.float32)
        basket[0, antecedent] = 1
        ranks.append([by_rules + 1])
        for name in (ease, NAME):
            scores = methods[name].score(basket)[0]
            scores[antecedent] = -np.inf
            ranks[-1].append(1 + int((scores > scores[consequent]).sum()))
        rule = rules[by_rules]
        table.add_row(
            f"{' + '.join(planted.antecedent)} → {planted.consequent}",
            f"{true_confidence(planted):.0%}", f"{rule.confidence:.0%}", f"{rule.lift:.1f}",
            *map(str, ranks[-1]),
        )  # fmt: skip
    printed.print(table)
    first = (np.array(ranks) == 1).sum(axis=0)
    printed.print(
        f"Of {len(RULES)} planted rules, so many are found in the first place: {first[0]} by "
        f"rules, {first[1]} by EASE, {first[2]} by {NAME}."
    )


def surest_rules(x: Array, items: Sequence[int]) -> dict[int, Rule]:
    """To each other item the surest rule from one of the items, or from two of them.

    That from two counts if there are enough baskets with both.
    """
    rules = [rule for item in items for rule in rules_from(x, [item])]
    for pair in combinations(items, 2):
        if x[:, list(pair)].all(axis=1).sum() >= FEWEST:
            rules += rules_from(x, pair)
    rules = [rule for rule in rules if rule.consequent not in items]
    return {rule.consequent: rule for rule in sorted(rules, key=lambda rule: rule.confidence)}


def listed(items: Sequence[int], names: Sequence[str]) -> str:
    """The names of some items, in words.

    >>> listed([0, 2], ["tea", "milk", "jam"])
    'tea and jam'
    """
    return " and ".join(names[item] for item in items)

"""Does `numpy-nets train gan` collapse? Its default setting, with ten seeds: the classes it covers.

A class counts when a classifier, trained on the embedded digits, gives it at least 1 % of 1,000
samples. Imbalance is KL(classes of the samples ‖ uniform) in nats. The smoke mode takes two seeds
and one epoch.
"""

from numpy_nets.cli.recipes.gan import GANRecipe
from numpy_nets.cli.runs.data import load_images
from numpy_nets.evaluation.classifier import train_classifier
from numpy_nets.evaluation.samples import mode_coverage
from numpy_nets.random import set_random_seed


def run(*, smoke: bool = False) -> None:
    """Train, as the command does, and count."""
    recipe, data = GANRecipe(), load_images("digits")
    classifier, _ = train_classifier(data.x_train, data.y_train, epochs=1 if smoke else 10)
    settings = recipe.settings(image_shape=data.image_shape)
    covered = []
    print(f"{'seed':>5}{'classes':>10}{'imbalance':>12}")
    for seed in range(2 if smoke else 10):
        set_random_seed(seed)
        model = recipe.build(settings)
        recipe.fit(model, data, settings, epochs=1 if smoke else settings.epochs, verbose=0)
        set_random_seed(seed)
        found = mode_coverage(classifier, recipe.sample(model, 1000, None))
        print(f"{seed:5}{found.classes:10}{found.imbalance:12.3f}", flush=True)
        covered.append(found.classes)
    assert smoke or min(covered) >= 9, "at least 9 classes with every seed"

"""One epoch of the autoencoder 784-64-784, batch 256, 60,000 images: numpy_nets and Keras fit.

Both start from the same weights and see the same batches; their final losses are compared, so
that neither can skip work.
"""

import numpy as np

from benchmarks.timing import describe_machine, interleave, report
from numpy_nets.datasets import digits
from numpy_nets.models.autoencoder import build_autoencoder


def run(*, smoke: bool = False) -> None:
    """Time, print, compare."""
    from keras_ref.models.autoencoder import build_autoencoder as build_keras_autoencoder
    from keras_ref.weights import copy_to_keras

    describe_machine()
    (images, _), _ = digits.load_data()
    x = np.tile(images.reshape(-1, 784).astype(np.float32) / 255, (1 if smoke else 10, 1))
    rounds = 2 if smoke else 7

    ours, _ = build_autoencoder()
    theirs, _ = build_keras_autoencoder()
    copy_to_keras(ours, theirs)
    models = {"numpy_nets": ours, "Keras fit": theirs}
    losses: dict[str, float] = {}

    def epoch(name: str) -> None:
        history = models[name].fit(x, x, batch_size=256, shuffle=False, verbose=0)
        losses[name] = history.history["loss"][-1]

    for model in models.values():
        model.compile(optimizer="adam", loss="binary_crossentropy")
    seconds = interleave({name: (lambda name=name: epoch(name)) for name in models}, rounds)
    report(seconds, unit_steps=-(-len(x) // 256))
    difference = abs(losses["numpy_nets"] / losses["Keras fit"] - 1)
    print(f"losses after {rounds + 1} epochs: {losses}, relative difference {difference:.1e}")
    assert difference < 1e-3, "the two did not do the same work"

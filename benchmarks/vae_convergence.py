"""The VAE 784-400-20 on grey MNIST: nats per image after 10 epochs, and the first beside Keras.

ReLU, Adam 1e-3, batch 128. In the first epoch both see the same weights, order and noise. Grey
pixels under a Bernoulli decoder: the loss is a pseudo-likelihood, to be compared with runs of the
same setting only. Reads mnist.npz from Keras's cache, or downloads it. The smoke mode takes a part
of the embedded digits and two epochs.
"""

import numpy as np

from numpy_nets import ops
from numpy_nets.datasets import digits, mnist
from numpy_nets.models.vae import VAE, build_decoder, build_encoder
from numpy_nets.random import set_random_seed


def run(*, smoke: bool = False) -> None:
    """Train and print the losses."""
    import tensorflow as tf

    from keras_ref.models import vae as keras_vae
    from keras_ref.weights import copy_to_keras

    (x_train, _), (x_test, _) = (digits if smoke else mnist).load_data()
    x_train, x_test = (x.reshape(-1, 784).astype(np.float32) / 255 for x in (x_train, x_test))

    set_random_seed(0)
    ours = VAE(build_encoder(), build_decoder(), seed=1)
    theirs = keras_vae.VAE(keras_vae.build_encoder(), keras_vae.build_decoder())
    copy_to_keras(ours.encoder, theirs.encoder)
    copy_to_keras(ours.decoder, theirs.decoder)
    for model in (ours, theirs):
        model.compile(optimizer="adam")

    learn = tf.function(theirs.learn)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x_train))
    for start in range(0, len(order), 128):
        batch = x_train[order[start : start + 128]]
        epsilon = rng.standard_normal((len(batch), 20), dtype=np.float32)
        here = ours.learn(ops.convert_to_tensor(batch), ops.convert_to_tensor(epsilon))
        there = learn(tf.constant(batch), tf.constant(epsilon))
    difference = here["loss"] / float(there["loss"]) - 1
    print(f"first epoch: {here['loss']:.3f} here, {float(there['loss']):.3f} in Keras")
    assert abs(difference) < 0.005, f"{difference:.2%} apart"

    epochs = 2 if smoke else 10
    history = ours.fit(
        x_train, batch_size=128, epochs=epochs, initial_epoch=1, verbose=0, validation_data=x_test
    ).history
    print(f"{'epoch':>5}{'train':>10}{'test':>10}{'test kl':>10}")
    columns = zip(history["loss"], history["val_loss"], history["val_kl"], strict=True)
    for epoch, (train, test, kl) in enumerate(columns, 2):
        print(f"{epoch:5}{train:10.3f}{test:10.3f}{kl:10.3f}")
    assert smoke or history["val_loss"][-1] <= 106.0, "published runs: 105.56 and 105.59"

"""Trainer: compile, fit, evaluate, predict.  The only epoch loop of the library."""

import functools
from typing import Any

import numpy as np

from numpy_nets import losses, optimizers, random
from numpy_nets.autodiff.tape import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor, TensorLike, convert_to_numpy
from numpy_nets.callbacks import Callback, CallbackList, History, ProgressBar
from numpy_nets.checks import non_negative_int, positive_int
from numpy_nets.metrics import Mean, Metric
from numpy_nets.metrics import get as get_metric
from numpy_nets.nested import flatten, instances
from numpy_nets.network.batches import Batches, one_batch, unpack_x_y_sample_weight


class Trainer:
    """Training, evaluation and prediction, which `Model` adds to `Layer`.

    A model that trains in its own way overrides `train_step`. For the data that it gets see
    `batches`. Initial weights, shuffling, noise and dropout all draw from `random`, so
    `random.set_random_seed` before the model is built makes a whole run reproducible.

    >>> import numpy_nets as nn
    >>> nn.random.set_random_seed(0)
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> model = nn.Sequential([nn.layers.Dense(1)])  # learns y = 3 x + 1
    >>> model.compile(nn.optimizers.SGD(0.1), loss="mean_squared_error")
    >>> history = model.fit(x, 3 * x + 1, epochs=100, verbose=0)
    >>> [round(float(w.item()), 2) for w in model.get_weights()]
    [3.0, 1.0]
    """

    optimizer: optimizers.Optimizer | None = None
    loss: losses.Loss | None = None
    stop_training = False
    history: History | None = None

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | losses.LossFunction | None = None,
        *,
        metrics: list[str | Metric] | None = None,
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: an Optimizer, or the name of one, which gets Keras's defaults.
            loss: a name, a Loss, or a function (y_true, y_pred) -> one value for each sample. A
                model with its own `train_step` may need none.
            metrics: names or Metrics to report beside the loss. sample_weight does not weigh them.

        Raises:
            ValueError, TypeError: if a name is unknown or an argument is of another kind.
        """
        if metrics is not None and not isinstance(metrics, list | tuple):
            raise TypeError(f"compile: metrics: expected a list, got {metrics!r}")
        for metric in metrics or []:  # so that a wrong name is reported here
            get_metric(metric, np.zeros((1, 1)), np.zeros((1, 1)))
        chosen = None if loss is None else losses.get(loss)
        if not isinstance(chosen, losses.Loss | None):
            chosen = losses.LossFunctionWrapper(chosen)
        keep_freed_memory()
        self.optimizer, self.loss = optimizers.get(optimizer), chosen
        self._metric_names = list(metrics or [])
        self._compiled_metrics: list[Metric] | None = None
        self._loss_tracker = Mean(name="loss")

    @property
    def compiled(self) -> bool:
        return self.optimizer is not None

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            raise ValueError(f"{what}: call model.compile(optimizer, loss) first")

    # One batch

    def train_step(self, data: Any) -> dict[str, float]:
        """Learn from one batch and return the running means of the metrics, by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]  # Model is a Layer
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        assert self.optimizer is not None
        variables = self.trainable_variables  # type: ignore[attr-defined]
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self._report(loss, x, y, y_pred)

    def test_step(self, data: Any) -> dict[str, float]:
        """Evaluate one batch and return the running means of the metrics, by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        return self._report(self.compute_loss(x, y, y_pred, sample_weight), x, y, y_pred)

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: TensorLike | None = None
    ) -> Tensor:
        """The compiled loss of one batch, a scalar."""
        if self.loss is None:
            raise ValueError("loss: expected one: compile(loss=...), or a train_step without it")
        if y is None:
            raise ValueError(f"y: expected targets for the loss {self.loss.name}, got None")
        for name, value in (("y", y), ("model output", y_pred)):
            if not isinstance(value, Tensor):
                raise ValueError(f"{name}: expected one array, got a {type(value).__name__}")
        return self.loss(y, y_pred, sample_weight)

    def _report(self, loss: Tensor, x: Any, y: Any, y_pred: Tensor) -> dict[str, float]:
        """The mean loss weighs a batch by its samples, so a smaller last batch counts less."""
        # As float64 the counts of samples add up exactly.
        self._loss_tracker.update_state(loss, sample_weight=np.float64(len(flatten(x)[0])))
        if self._compiled_metrics is None:
            self._compiled_metrics = [
                get_metric(name, y.array, y_pred.array) for name in self._metric_names
            ]
        for metric in self._compiled_metrics:
            metric.update_state(y, y_pred)  # type: ignore[attr-defined]
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[Metric]:
        """The loss, the compiled metrics, and the Metrics that the model holds as attributes."""
        compiled = [self._loss_tracker, *(self._compiled_metrics or [])] if self.compiled else []
        return list({id(m): m for m in [*compiled, *instances(vars(self), Metric)]}.values())

    def get_metrics_result(self) -> dict[str, float]:
        """The running means of the metrics, by name."""
        return {m.name: m.result() for m in self.metrics}

    def reset_metrics(self) -> None:
        """Start all means again, as `fit` does at every epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, *, return_dict: bool = False
    ) -> Any:
        """Do one `train_step` and return this batch's loss, [loss, *metrics], or a dict."""
        return self._on_batch("train_on_batch", self.train_step, x, y, sample_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Do one `test_step` and return this batch's loss, [loss, *metrics], or a dict."""
        return self._on_batch("test_on_batch", self.test_step, x, y, sample_weight, return_dict)

    def _on_batch(
        self, what: str, step: Any, x: Any, y: Any, sample_weight: Any, return_dict: bool
    ) -> Any:
        self._require_compiled(what)
        self.reset_metrics()
        logs = _floats(what, step(one_batch(x, y, sample_weight)))
        return dict(sorted(logs.items())) if return_dict else _values(logs)

    # Many batches

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: list[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        *,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
    ) -> History:
        """Train for several epochs.

        Args:
            x, y, sample_weight, batch_size: arrays (samples, ...), or batches; see `Batches`.
            epochs: training ends after this epoch; the first is initial_epoch, counted from 0.
            verbose: 0 prints nothing, 1 or "auto" a progress bar, 2 a line for every epoch.
            callbacks: a list of Callbacks, or one; see `callbacks`.
            validation_split: the part of the samples, taken from their end before any shuffling,
                that is validation data instead of training data.
            validation_data: (x, y), (x, y, sample_weight), x alone, or an iterable of batches,
                evaluated after every epoch as val_loss and val_….
            shuffle: whether every epoch takes the samples in a new random order.

        Returns:
            The History callback, whose `history` has a list with a value for each epoch, by name.

        Raises:
            ValueError, TypeError: if the model is not compiled, an argument is of another kind, or
                the data are not as `Batches` takes them.
        """
        self._require_compiled("fit")
        epochs = positive_int("fit: epochs", epochs)
        initial_epoch = non_negative_int("fit: initial_epoch", initial_epoch)
        if shuffle not in (True, False):
            raise ValueError(f"fit: shuffle: expected True or False, got {shuffle!r}")
        batches = Batches(x, y, sample_weight, batch_size)
        validation: Batches | None = None
        if validation_data is not None:
            validation = _validation(
                validation_data,
                batch_size if validation_batch_size is None else validation_batch_size,
            )
        elif validation_split:
            batches, validation = batches.split(validation_split)
        listeners = self._callback_list(callbacks, verbose, epochs=epochs, steps=batches.steps)

        self.stop_training = False
        logs: dict[str, float] = {}
        listeners.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            listeners.on_epoch_begin(epoch)
            order = None
            if shuffle and batches.iterable is None:
                order = random.generator().permutation(batches.samples)
            step = -1
            for step, data in enumerate(batches.epoch(order)):
                if listeners.has_train_batch_hooks:
                    listeners.on_train_batch_begin(step)
                logs = _floats("train_step", self.train_step(data))
                if listeners.has_train_batch_hooks:
                    listeners.on_train_batch_end(step, logs)
                if self.stop_training:
                    break
            if step < 0:
                raise ValueError(
                    f"fit: x: no batch in epoch {epoch + 1}: "
                    "expected an iterable that gives its batches anew every epoch"
                )
            if validation is not None:
                results = self._evaluate(validation, listeners)
                logs = logs | {f"val_{name}": value for name, value in results.items()}
            listeners.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        listeners.on_train_end(logs)
        assert self.history is not None
        return self.history

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        *,
        callbacks: list[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss over the data, or [loss, *metrics], or a dict; see `fit` for the arguments."""
        self._require_compiled("evaluate")
        batches = Batches(x, y, sample_weight, batch_size)
        listeners = self._callback_list(callbacks, verbose, epochs=1, steps=batches.steps)
        logs = self._evaluate(batches, listeners)
        return dict(sorted(logs.items())) if return_dict else _values(logs)

    def _evaluate(self, batches: Batches, listeners: CallbackList) -> dict[str, float]:
        self.reset_metrics()
        step, logs = -1, {}
        listeners.on_test_begin()
        for step, data in enumerate(batches.epoch()):
            listeners.on_test_batch_begin(step)
            logs = _floats("test_step", self.test_step(data))
            listeners.on_test_batch_end(step, logs)
        if step < 0:
            raise ValueError(
                "evaluate: no batch: expected an iterable that gives its batches anew every time"
            )
        listeners.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        *,
        callbacks: list[Callback] | None = None,
    ) -> Any:
        """The outputs for x (samples, ...): an array, or a list of arrays if there are several.

        Raises:
            ValueError, TypeError: if x is not as `Batches` takes it.
        """
        batches = Batches(x, batch_size=batch_size)
        listeners = self._callback_list(callbacks, verbose, epochs=1, steps=batches.steps)
        outputs: list[Any] = []
        listeners.on_predict_begin()
        for step, data in enumerate(batches.epoch()):
            listeners.on_predict_batch_begin(step)
            inputs, _, _ = unpack_x_y_sample_weight(data)
            output = self(inputs, training=False)  # type: ignore[operator]
            outputs.append([convert_to_numpy(y) for y in flatten(output)])
            listeners.on_predict_batch_end(step, {"outputs": outputs[-1]})
        listeners.on_predict_end()
        if not outputs:
            raise ValueError("predict: x: expected an iterable of batches, got none")
        joined: list[Array] = [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
        return joined if isinstance(output, list | tuple) else joined[0]

    def _callback_list(
        self, callbacks: Any, verbose: str | int, *, epochs: int, steps: int | None
    ) -> CallbackList:
        """The callbacks that were passed, with a History and a ProgressBar among them."""
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
        verbose = 1 if verbose == "auto" else int(verbose)
        if not isinstance(callbacks, Callback | list | tuple | None):
            raise TypeError(f"callbacks: expected a list of Callbacks, got {callbacks!r}")
        listening = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        if not any(isinstance(c, History) for c in listening):
            listening.append(History())
        if verbose and not any(isinstance(c, ProgressBar) for c in listening):
            listening.append(ProgressBar())
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        return CallbackList(listening, self, params)  # type: ignore[arg-type]  # Model is a Trainee


@functools.cache
def keep_freed_memory() -> None:
    """Make the C library keep freed arrays of up to 31 MB for the next step, once a process.

    glibc takes every large array from the operating system, page by page, and returns it when it is
    freed, until the program has once freed a larger one (mallopt(3), M_MMAP_THRESHOLD). On two
    cores of an AMD EPYC, a step of the autoencoder on MNIST takes 2.9 ms without this function and
    2.2 ms with it.
    """
    np.empty(31 << 20, np.uint8)


def _values(logs: dict[str, float]) -> float | list[float]:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _floats(what: str, logs: Any) -> dict[str, float]:
    if not isinstance(logs, dict):
        raise TypeError(f"{what}: expected to return a dict of numbers, got {type(logs).__name__}")
    for name, value in logs.items():
        if np.shape(value) != ():
            raise TypeError(f"{what}: {name}: expected a number, got shape {np.shape(value)}")
    return {name: float(value) for name, value in logs.items()}


def _validation(data: Any, batch_size: int | None) -> Batches:
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    is_arrays = isinstance(x, np.ndarray | Tensor | list | tuple)
    return Batches(x, y, sample_weight, batch_size if is_arrays else None, "validation_data: ")

"""Trainer: compile, fit, evaluate, predict.  The only epoch loop of the library."""

import functools
import inspect
import itertools
import operator
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from numpy_nets import losses, optimizers, random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tape import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor, TensorLike, convert_to_numpy
from numpy_nets.callbacks import Callback, CallbackList, History, ProgressBar
from numpy_nets.checks import non_negative_int, positive_int
from numpy_nets.metrics import Mean, Metric
from numpy_nets.metrics import get as get_metric
from numpy_nets.naming import numbered
from numpy_nets.nested import flatten, instances
from numpy_nets.network.batches import (
    Batches,
    one_batch,
    unpack_x_y_sample_weight,
    weigh_classes,
)


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
    stop_evaluating = False
    stop_predicting = False
    history: History | None = None
    k = 1  # the minibatches that `train_step` divides a batch into; see `GAN`
    _compiled_metrics: dict[str, Metric] | None = None

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
                model with its own `train_step` or `add_loss` may need none.
            metrics: names or Metrics to report beside the loss. sample_weight does not weigh them.

        Raises:
            ValueError, TypeError: if a name is unknown or an argument is of another kind.
            NotImplementedError: if there are several losses.
        """
        if metrics is not None and not isinstance(metrics, list | tuple):
            raise TypeError(f"compile: metrics: expected a list, got {metrics!r}")
        if isinstance(loss, list | tuple | dict):
            raise NotImplementedError(
                "compile: loss: numpy_nets has no losses of several outputs: expected one loss, "
                f"got a {type(loss).__name__}; override compute_loss for more"
            )
        for metric in metrics or []:  # so that a wrong name is reported here
            get_metric(metric, np.zeros((1, 1)), np.zeros((1, 1)))
        chosen = None if loss is None else losses.get(loss)
        if not isinstance(chosen, losses.Loss | None):
            chosen = losses.LossFunctionWrapper(chosen)
        keep_freed_memory()
        self.optimizer, self.loss = optimizers.get(optimizer), chosen
        self._metric_names = list(metrics or [])
        self._compiled_metrics = None
        self._loss_tracker = Mean(name="loss")
        # A subclass may override compute_loss without `training`.
        parameters = inspect.signature(self.compute_loss).parameters
        self._loss_takes_training = "training" in parameters

    @property
    def compiled(self) -> bool:
        return self.optimizer is not None

    def _world(self) -> Any:
        """The processes that take the same steps, or None; see `distributed`."""
        worlds = {optimizer.world for optimizer in instances(vars(self), optimizers.Optimizer)}
        if len(worlds) > 1:
            raise ValueError("compile: expected a DistributedOptimizer in all places, or in none")
        return worlds.pop() if worlds else None

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            raise ValueError(f"{what}: call model.compile(optimizer, loss) first")

    # One batch

    def train_step(self, data: Any) -> dict[str, float]:
        """Learn from one batch and return the running means of the metrics, by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]  # Model is a Layer
            loss = self._compute_loss(x, y, y_pred, sample_weight, training=True)
        assert self.optimizer is not None
        variables = self.trainable_variables  # type: ignore[attr-defined]
        if variables:
            self.optimizer.apply(tape.gradient(loss, variables), variables)
        else:
            warnings.warn("train_step: the model has no trainable weights", stacklevel=2)
        return self._report(loss, x, y, y_pred)

    def test_step(self, data: Any) -> dict[str, float]:
        """Evaluate one batch and return the running means of the metrics, by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        loss = self._compute_loss(x, y, y_pred, sample_weight, training=False)
        return self._report(loss, x, y, y_pred)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: TensorLike | None = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of one batch, a scalar: the compiled loss and the model's `losses`."""
        losses = [ops.sum(loss) for loss in self.losses]  # type: ignore[attr-defined]
        if self.loss is not None:
            if y is None:
                raise ValueError(f"y: expected targets for the loss {self.loss.name}, got None")
            y, y_pred, sample_weight = _single(y), _single(y_pred), _single(sample_weight)
            for name, value in (("y", y), ("model output", y_pred)):
                if isinstance(value, list | tuple | dict):
                    raise ValueError(f"{name}: expected one array, got a {type(value).__name__}")
            losses.insert(0, self.loss(y, y_pred, sample_weight))
        if not losses:
            raise ValueError("loss: expected one: compile(loss=...), or a train_step without it")
        return functools.reduce(operator.add, losses)

    def _compute_loss(self, *args: Any, training: bool) -> Tensor:
        options = {"training": training} if self._loss_takes_training else {}
        return self.compute_loss(*args, **options)

    def _report(self, loss: Tensor, x: Any, y: Any, y_pred: Any) -> dict[str, float]:
        """The mean loss weighs a batch by its samples, so a smaller last batch counts less."""
        # As float64 the counts of samples add up exactly.
        self._loss_tracker.update_state(loss, sample_weight=np.float64(len(flatten(x)[0])))
        y, y_pred = _single(y), _single(y_pred)
        if self._compiled_metrics is None:
            self._compiled_metrics = {}
            for identifier in self._metric_names:
                metric = get_metric(identifier, y.array, y_pred.array)
                count = sum(m.name == metric.name for m in self._compiled_metrics.values())
                self._compiled_metrics[numbered(metric.name, count)] = metric
        for metric in self._compiled_metrics.values():
            metric.update_state(y, y_pred)  # type: ignore[attr-defined]
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[Metric]:
        """The loss, the compiled metrics, and the Metrics that the model and its layers hold.

        Those of a model inside are left out if it could be trained by itself: its loss and the
        metrics that it holds.
        """
        compiled = self._compiled_metrics or {}
        metrics = [self._loss_tracker, *compiled.values()] if self.compiled else []
        for layer in self._all_layers():  # type: ignore[attr-defined]
            if layer is self or not isinstance(layer, Trainer):
                metrics += instances(vars(layer), Metric)
        return list({id(m): m for m in metrics}.values())

    def get_metrics_result(self) -> dict[str, float]:
        """The running means of the metrics, by name; of compiled ones, mse and then mse_1."""
        compiled = self._compiled_metrics if self.compiled else None
        names = {id(m): name for name, m in (compiled or {}).items()}
        return {names.get(id(m), m.name): m.result() for m in self.metrics}

    def reset_metrics(self) -> None:
        """Start all means again, as `fit` does at every epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one `train_step` and return this batch's loss, [loss, *metrics], or a dict."""
        sample_weight = weigh_classes(y, sample_weight, class_weight)
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
        data, world = one_batch(x, y, sample_weight), self._world()
        if world is not None:
            k = self.k if step == self.train_step else 1
            data, step = world.divide(data, k), functools.partial(world.step, self, step)
        logs = _floats(what, step(data))
        return dict(sorted(logs.items())) if return_dict else _values(logs)

    # Many batches

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: list[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        *,
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
            class_weight: the weight of samples by their class, an integer in y or the place of the
                largest entry; 1 for a class that is missing.
            steps_per_epoch: the batches in an epoch, which continues where the last one ended. By
                default an epoch is all batches.

        If batches run out, a warning says so; an epoch without any ends training.

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
        if steps_per_epoch is not None:
            steps_per_epoch = positive_int("fit: steps_per_epoch", steps_per_epoch)
        validation: Batches | None = None
        if validation_data is not None:
            validation = _validation(
                validation_data,
                batch_size if validation_batch_size is None else validation_batch_size,
            )
        elif validation_split:
            batches, validation = batches.split(validation_split)
        batches.class_weight = class_weight
        steps = steps_per_epoch or batches.steps
        listeners = self._callback_list(callbacks, verbose, epochs=epochs, steps=steps)

        epoch_of, train_step, world = batches.epoch, self.train_step, self._world()
        if world is not None:
            world.begin(self, batches)
            epoch_of = functools.partial(world.epoch, batches, k=self.k)
            train_step = functools.partial(world.step, self, train_step)
        self.stop_training = False
        logs: dict[str, float] = {}
        ahead: Iterator[Any] | None = None  # the batches that wait for the next epoch,
        seen = 0  # and how many came before them
        listeners.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            listeners.on_epoch_begin(epoch)
            if ahead is None or steps_per_epoch is None or seen == batches.steps:
                order = None
                if shuffle and batches.iterable is None:
                    order = random.generator().permutation(batches.samples)
                ahead, seen = epoch_of(order), 0
            step = -1
            for step, data in enumerate(itertools.islice(ahead, steps_per_epoch)):
                if listeners.has_train_batch_hooks:
                    listeners.on_train_batch_begin(step)
                logs = _floats("train_step", train_step(data))
                if listeners.has_train_batch_hooks:
                    listeners.on_train_batch_end(step, logs)
                if self.stop_training:
                    break
            if step < 0 and epoch == initial_epoch:
                raise ValueError("fit: x: expected an iterable of batches, got none")
            seen += step + 1
            if not self.stop_training and step + 1 < (steps_per_epoch or 1):
                warnings.warn(
                    f"fit: x ran out of batches in epoch {epoch + 1}: expected "
                    f"{steps_per_epoch or 'an iterable that gives them anew'} every epoch",
                    stacklevel=2,
                )
                ahead = None
            if step < 0:
                break
            if validation is not None:
                results = self._evaluate(validation, listeners)
                logs = logs | {f"val_{name}": value for name, value in results.items()}
            listeners.on_epoch_end(epoch, logs)
            if world is not None:
                world.follow(self)
            if self.stop_training:
                break
        listeners.on_train_end(logs)
        assert self.history is not None
        return self.history

    def evaluate(
        self,
        x: Any = None,
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
        self.stop_evaluating = False
        epoch, test_step, world = batches.epoch(), self.test_step, self._world()
        if world is not None:
            epoch = world.epoch(batches)
            test_step = functools.partial(world.step, self, test_step)
        step, logs = -1, {}
        listeners.on_test_begin()
        for step, data in enumerate(epoch):
            listeners.on_test_batch_begin(step)
            logs = _floats("test_step", test_step(data))
            listeners.on_test_batch_end(step, logs)
            if self.stop_evaluating:
                break
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
        self.stop_predicting = False
        listeners.on_predict_begin()
        for step, data in enumerate(batches.epoch()):
            listeners.on_predict_batch_begin(step)
            output = self.predict_step(data)
            outputs.append([convert_to_numpy(y) for y in flatten(output)])
            listeners.on_predict_batch_end(step, {"outputs": outputs[-1]})
            if self.stop_predicting:
                break
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


def _single(nested: Any) -> Any:
    """The item of a list of one."""
    return nested[0] if isinstance(nested, list | tuple) and len(nested) == 1 else nested


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

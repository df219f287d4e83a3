"""The progress bar of a training run: losses and the time that is left."""

import shutil
from typing import Any

from numpy_nets.callbacks import Callback


class TrainingBar(Callback):
    """One bar over all epochs, on standard error."""

    def __init__(self, first_epoch: int = 0) -> None:
        self._first_epoch = first_epoch

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from tqdm import tqdm

        steps, epochs = self.params["steps"], self.params["epochs"]
        self._validation: dict[str, float] = {}
        width = shutil.get_terminal_size().columns  # 80 where a terminal does not tell
        self._bar: Any = tqdm(
            total=steps * epochs, initial=steps * self._first_epoch, unit="step", ncols=width
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.set_description(f"epoch {epoch + 1}/{self.params['epochs']}", refresh=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.set_postfix({**_losses(logs), **self._validation}, refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        losses = _losses(logs)
        self._validation = {k: v for k, v in losses.items() if k.startswith("val_")}
        self._bar.set_postfix(losses)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if hasattr(self, "_bar"):
            self._bar.close()


def _losses(logs: dict[str, Any] | None) -> dict[str, float]:
    """A line has no room for the terms of a loss."""
    return {name: value for name, value in (logs or {}).items() if name.endswith("loss")}

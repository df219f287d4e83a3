"""The progress bar of a training run, with its losses and the time that is left."""

import shutil
import sys
from typing import Any

from numpy_nets.callbacks import Callback, Logs


class TrainingBar(Callback):
    """One bar over all epochs, on standard error."""

    def __init__(self, shown: tuple[str, ...], first_epoch: int = 0) -> None:
        self._shown, self._first_epoch = shown, first_epoch

    def on_train_begin(self, logs: Logs = None) -> None:
        from tqdm import tqdm

        steps, epochs = self.params["steps"], self.params["epochs"]
        self._validation: dict[str, float] = {}
        width = shutil.get_terminal_size().columns  # 80 where a terminal does not tell
        self._bar: Any = tqdm(
            total=steps * epochs,
            initial=steps * self._first_epoch,
            ncols=width,
            mininterval=0.1 if sys.stderr.isatty() else 10.0,  # seconds; a log keeps every redraw
            bar_format="{desc}|{bar}| {elapsed}<{remaining}{postfix}",
        )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._bar.set_description_str(f"epoch {epoch + 1}/{self.params['epochs']} ", refresh=False)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._bar.set_postfix_str(_text({**self._of(logs), **self._validation}), refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        shown = self._of(logs)
        self._validation = {k: v for k, v in shown.items() if k.startswith("val_")}
        self._bar.set_postfix_str(_text(shown), refresh=sys.stderr.isatty())

    def close(self) -> None:
        """End the bar, in the state it has."""
        if hasattr(self, "_bar"):
            self._bar.close()

    def _of(self, logs: Logs) -> dict[str, float]:
        """The logs that a line has room for."""
        return {name: logs[name] for name in self._shown if name in logs} if logs else {}


def _text(values: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.3g}" for name, value in values.items())

"""A process for each peer, which lives on and does one round when it is told to.

Frameworks in one process would share caches, allocators and threads, and starting each anew for
every round would time its start.
"""

import importlib
import multiprocessing
import os
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.work import Work

# file of benchmarks.peers, and what its process needs in the environment
PEERS = {
    "ours": {},
    "sgemm": {},
    "by_hand": {},
    "keras_tensorflow": {"KERAS_BACKEND": "tensorflow"},
    "keras_jax": {"KERAS_BACKEND": "jax"},
    "torch_eager": {},
    "jax_jit": {},
    "hips_autograd": {},
}


class Missing(Exception):
    """The peer, or one of its variants, does not work on this machine."""


class Worker:
    """The process of one peer.  Raises Missing if its framework cannot be imported."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(peer, other), daemon=True)
        self.process.start()
        other.close()
        self.described, self.variants = self.receive()

    def prepare(self, work: Work, variant: str) -> None:
        """Load data, build, and let go of what was prepared under this name before."""
        self.ask("prepare", work, variant)

    def round(self, variant: str) -> tuple[float, float | None]:
        """Seconds, and the number to compare."""
        return self.ask("round", variant)

    def forget(self, variant: str | None = None) -> None:
        """Free what was prepared: this variant, or all."""
        self.ask("forget", variant)

    def ask(self, *message: Any) -> Any:
        self.pipe.send(message)
        return self.receive()

    def receive(self) -> Any:
        kind, value = self.pipe.recv()
        if kind == "missing":
            raise Missing(value)
        if kind == "error":
            raise RuntimeError(f"in the process of a peer:\n{value}")
        return value

    def close(self) -> None:
        self.pipe.close()
        self.process.join()


def start_workers() -> dict[str, Worker]:
    """A worker for every peer there is; a line for every other."""
    found = {}
    for peer in PEERS:
        try:
            found[peer] = Worker(peer)
        except Missing as reason:
            print(f"skipped: {peer}: {reason}")
    for peer, worker in found.items():
        print(f"{peer}: {worker.described}")
    return found


def load(peer: str) -> Any:
    """The module of a peer, in its own process.  Raises Missing if it cannot be imported."""
    os.environ.update(PEERS[peer], TF_CPP_MIN_LOG_LEVEL="3")
    try:
        return importlib.import_module(f"benchmarks.peers.{peer}")
    except ImportError as error:
        raise Missing(str(error)) from None


def serve(peer: str, pipe: Connection) -> None:
    """The worker's side of the pipe; ends when the other side is closed."""
    rounds: dict[str, Any] = {}
    message: Any = ("describe",)
    while True:
        try:
            pipe.send(("done", answer(peer, rounds, *message)))
        except Missing as reason:
            pipe.send(("missing", str(reason)))
        except Exception:
            pipe.send(("error", traceback.format_exc()))
        try:
            message = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return


def answer(peer: str, rounds: dict[str, Any], command: str, *arguments: Any) -> Any:
    module = load(peer)
    if command == "describe":
        return module.describe(), module.VARIANTS
    if command == "forget":
        (variant,) = arguments
        for name in [variant] if variant else list(rounds):
            rounds.pop(name, None)
        return None
    try:
        if command == "prepare":
            work, variant = arguments
            rounds[variant] = getattr(module, work.name)(work, variant)
            return None
        (variant,) = arguments
        start = time.perf_counter()
        result = rounds[variant]()
        return time.perf_counter() - start, result
    except Exception as error:
        if variant not in module.MAY_FAIL:
            raise
        line = next(iter(str(error).splitlines()), "")
        raise Missing(f"{type(error).__name__}: {line}") from None

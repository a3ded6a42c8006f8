"""Where blocks are trained: on threads of this process, or by an executor."""

from concurrent.futures import ThreadPoolExecutor

from .training import train_block


class LocalTrainer:
    """Trains on threads of this process.

    Attributes
    ----------
    room : int
        Blocks that it takes at a time.
    """

    def __init__(self, n_threads):
        self.room = n_threads
        self._threads = ThreadPoolExecutor(n_threads, "skreg-train")

    def start(self, block, watch, done):
        """Train a block, tell `watch` of it, and call ``done(error)`` in the end."""
        self._threads.submit(self._train, block, watch, done)

    def _train(self, block, watch, done):
        try:
            train_block(block.structure, block.jobs, block.lanes, watch)
        except BaseException as error:
            done(error)
        else:
            done(None)

    def close(self):
        """End the threads when what they train is done."""
        self._threads.shutdown()

r"""
Clusters
========

:func:`~skreg.stacked` trains on threads of its own process. With ``executor=`` it sends
the stacks elsewhere: to other processes, or to the machines of a cluster. Anything that
is a ``concurrent.futures.Executor`` will do.

The search itself stays here. Splitting, preprocessing and scoring run in this process;
only arrays and numbers are sent.
"""

# %%
# What an executor gets
# ---------------------
# This executor trains on a thread of this process and notes the size of what it gets.
import pickle
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skreg
from skreg.datasets import load_sonar

X, y = load_sonar()
search = GridSearchCV(
    skreg.MLPRegularizedClassifier((32,), epochs=30, random_state=0),
    {"dropout": [0.1, 0.2, 0.4], "l2": [1e-4, 1e-3, 1e-2]},
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    scoring="neg_log_loss",
)


class Scales(ThreadPoolExecutor):
    """Notes the kilobytes of each task."""

    def __init__(self):
        super().__init__(1)
        self.kilobytes = []

    def submit(self, function, *args):
        """Weigh the task, then run it."""
        self.kilobytes.append(len(pickle.dumps(args)) / 1000)
        return super().submit(function, *args)


with Scales() as scales, skreg.stacked(lanes=9, executor=scales):
    search.fit(X, y)
there = search.cv_results_["mean_test_score"]

sent = np.array(scales.kilobytes)
print("kilobytes of the tasks:", sent.round().astype(int))
rows = 45 * 4 / 5 * X.size * 4 / 1000
print(f"in all: {sent.sum():.0f} kB")
print(f"45 copies of a fold's rows would be {rows:.0f} kB alone")

# %%
# A task is a stack: for each of its networks the first weights, its numbers, and the
# training rows of its fold, scaled. Rows travel once: with the first task that needs
# them. Other networks and later tasks name them by a key. A worker that does not hold
# them says so, and gets them; it keeps up to a gigabyte. What comes back is the weights
# with the optimizer's state, and the history. The last task is the refit of the best
# candidate, on all rows.
#
# Where a stack is trained does not change the numbers:
with skreg.stacked():
    search.fit(X, y)
here = search.cv_results_["mean_test_score"]
print(f"largest difference: {np.abs(here - there).max():.1e}")
assert np.allclose(here, there)

# %%
# Fits with ``callbacks`` or ``verbose`` stay in this process, because the callbacks'
# objects are here. So do fits with a ``checkpoint``.
#
# Worker processes
# ----------------
# The simplest workers elsewhere are other processes of this machine. They gain nothing:
# the threads of ``stacked()`` use all cores already, and need no second TensorFlow. But
# they let you try out what a cluster does.
#
# A worker imports TensorFlow and compiles for itself, once, which takes seconds. It
# should be started from nothing (*spawn*), not as a copy of a process in which
# TensorFlow's threads run (*fork*). With the standard library:
#
# .. code-block:: python
#
#     import multiprocessing
#     from concurrent.futures import ProcessPoolExecutor
#
#     if __name__ == "__main__":  # a worker imports this script, too
#         spawn = multiprocessing.get_context("spawn")
#         with ProcessPoolExecutor(2, mp_context=spawn) as executor:
#             with skreg.stacked(executor=executor):
#                 search.fit(X, y)
#
# In a notebook, and in a script without the condition, joblib's *loky* works. It
# replaces workers that have been idle for ``timeout`` seconds, and those whose memory
# has grown much, so that it is better to import TensorFlow at their start:
#
# .. code-block:: python
#
#     from importlib import import_module
#
#     from joblib.externals.loky import get_reusable_executor
#
#     executor = get_reusable_executor(
#         max_workers=2,
#         timeout=3600,
#         initializer=import_module,
#         initargs=("tensorflow",),
#     )
#     with skreg.stacked(executor=executor):
#         search.fit(X, y)
#
# A cluster by Dask
# -----------------
# `Dask <https://distributed.dask.org>`__ runs workers on many machines, by SSH, on
# Kubernetes or under a batch system such as SLURM (extra ``dask``).
# Each needs skreg, in the same version as here.
#
# .. code-block:: python
#
#     from dask.distributed import Client
#
#     client = Client("tcp://scheduler:8786")
#     with skreg.stacked(executor=client.get_executor(), progress=True):
#         search.fit(X, y)
#
# ``Client()`` without an address starts workers on this machine. Under SLURM, for
# instance, with `dask-jobqueue <https://jobqueue.dask.org>`__:
#
# .. code-block:: python
#
#     from dask_jobqueue import SLURMCluster
#
#     cluster = SLURMCluster(
#         cores=8, processes=1, memory="16GB", walltime="02:00:00"
#     )
#     cluster.scale(jobs=10)
#     client = Client(cluster)
#
# As a script this needs ``if __name__ == "__main__":`` around it where ``Client()`` or
# a ``LocalCluster`` starts processes.
#
# Stacks are as full as in one process, so a search of few fits makes few tasks: forty
# workers need a search of some thousand fits. ``lanes=`` makes smaller stacks, and
# more of them.
#
# When a worker is lost
# ---------------------
# A stack whose task fails is sent again, up to three times in all. What the other
# stacks have found is kept. Here the first task of a search is lost on the way:


class Unreliable(ThreadPoolExecutor):
    """Loses its first task."""

    sent = 0

    def submit(self, function, *args):
        """Run the task, or lose it."""
        self.sent += 1
        if self.sent == 1:
            lost = Future()
            lost.set_exception(ConnectionError("the worker is gone"))
            return lost
        return super().submit(function, *args)


with Unreliable(1) as lossy, skreg.stacked(lanes=9, executor=lossy):
    search.fit(X, y)
print(f"tasks sent: {lossy.sent}, for {len(sent)} stacks")
assert np.allclose(search.cv_results_["mean_test_score"], here)

# %%
# The lost stack is sent again without its rows, since they have been sent before. The
# worker does not hold them and asks, and the stack comes once more, with all rows.
#
# The executor decides whether another worker takes the place of a lost one. Dask starts
# or finds others. A pool of processes breaks as a whole when one of them dies: the
# remaining fits fail, and scikit-learn says so.
#
# If this process dies, the search is lost, unless it stores its results:
# ``stacked(executor=..., checkpoint=folder)`` writes the result of each fit to a folder
# here. The same search, started again, then trains only the missing fits
# (:doc:`saving and deploying <saving_and_deploying>`).

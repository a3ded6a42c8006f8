"""Choose the strength of regularization by pilots: trainings on folds of the rows.

Each pilot is the network with one strength, trained without one fold of the rows and
judged by its loss on that fold. All pilots train in stacks.
"""

from dataclasses import replace

import numpy as np

from .. import stacking
from ..engine import held_out_losses
from ..fitting import batch_size_of, folds_of, job_of, usual_l2
from ..interop import with_listeners
from .attempts import copied
from .ensemble import drop_attributes_of_fit

MULTIPLES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of the usual penalty
N_FOLDS = 3
DOUBT = 0.5  # in standard errors: smaller differences speak for the usual strength
MIN_ROWS = 40  # fewer rows cannot tell one strength from another


def has_rows_for_pilots(sample):
    """Whether the rows are enough for pilots."""
    return len(sample) >= MIN_ROWS


def choose_strength(estimator, sample, run):
    """Train the pilots; return the parameters that they chose, and the losses.

    Parameters
    ----------
    estimator : estimator
        It knows the targets.
    sample : Sample
    run : TrainingRun

    Returns
    -------
    chosen : dict
        Parameters of the network.
    path : dict
        "l2", shape (n_strengths,), and "val_loss", shape (n_strengths, n_folds).
    """
    if estimator.verbose:
        print("l2='pilots': trainings on folds of the rows choose it.")
    folds = folds_of(
        sample,
        estimator._row_classes(sample.y),
        estimator.validation_fraction,
        N_FOLDS,
        run.seed,
    )
    batch_size, _ = batch_size_of(estimator, len(sample))
    structure, jobs, held_out = None, [], []
    for training, validation in folds:
        structure, job, rows = _pilot(
            estimator, sample[training], sample[validation], batch_size, run
        )
        for multiple in MULTIPLES:
            own = {"l2": multiple * usual_l2(len(job.rows))}
            jobs.append(replace(job, numbers=job.numbers | own))
            held_out.append(rows)
    results = stacking.train(structure, jobs)
    for result in results:
        if result.error is not None:
            raise result.error
    losses = held_out_losses(
        structure,
        [result.state for result in results],
        [job.numbers for job in jobs],
        held_out,
    )
    losses = losses.reshape(len(folds), len(MULTIPLES)).T
    strengths = np.array(MULTIPLES) * usual_l2(len(sample))
    path = {"l2": strengths, "val_loss": losses}
    chosen = float(strengths[_chosen(losses)])
    if estimator.verbose:
        print(f"l2='pilots' chose {chosen:.3g}.")
    return {"l2": chosen}, path


def _pilot(estimator, training, held_out, batch_size, run):
    """The structure and the job of a fold's pilots, and their held-out rows."""
    pilot = copied(estimator, n_members=1, verbose=0, callbacks=None)
    drop_attributes_of_fit(pilot)
    pilot.batch_size = "full" if batch_size >= len(training) else batch_size
    known = getattr(estimator, "classes_", None)
    pilot._learn_targets(training.y, training.weight, known)
    pilot._learn_inputs(training)
    structure, job = job_of(pilot, training, held_out, run)
    rows = job.validation
    if not estimator.early_stopping or estimator.monitor == "loss":
        job = replace(job, validation=None)
    pilot._take_state(structure, job, job.state, job.schedule.learning_rate)
    return structure, with_listeners(pilot, job, job.validation and held_out), rows


def _chosen(losses):
    """Index of the strength nearest to the usual one that is about as good as the best.

    That is, its loss is within half a standard error of the difference, over the folds.
    """
    usual = MULTIPLES.index(1.0)
    means = losses.mean(axis=1)
    if not np.isfinite(means).any():
        return usual  # its training says what is wrong
    best, n_folds = means.argmin(), losses.shape[1]
    good = [best]
    for index in np.flatnonzero(np.isfinite(means)):
        differences = losses[index] - losses[best]
        if n_folds > 1 and differences.mean() <= (
            DOUBT * differences.std(ddof=1) / np.sqrt(n_folds)
        ):
            good.append(index)
    return min(good, key=lambda index: abs(np.log(MULTIPLES[index])))

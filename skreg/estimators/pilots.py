"""Choose strengths of regularization by pilots: trainings on parts of the rows.

Each pilot is the network with one strength, trained without one part of the rows and
judged by its loss on that part. Pilots train in stacks: for l2 the usual strength and
its neighbours first, then stronger or weaker ones as long as one of them is the best;
then all of `feature_l1`.
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.base import is_classifier

from .. import stacking
from ..engine import held_out_losses
from ..fitting import (
    AUTO_DROPOUT,
    batch_size_of,
    copied,
    encoded_rows,
    folds_of,
    hidden_layers,
    is_auto,
    job_of,
    left_to_pilots,
    usual_l2,
)
from ..interop import with_listeners
from .ensemble import drop_attributes_of_fit

N_FOLDS, N_FOLDS_OF_MANY = 5, 3
MAX_ROWS = 5000  # about so many train with one strength, in all folds together
# In standard errors: smaller differences speak for the usual strength. Held-out rows
# that are few may lack those on which a network that is too sure of itself is wrong.
DOUBT_OF_STRONGER, DOUBT_OF_WEAKER, DOUBT_OF_WEAKER_ON_FEW = 1.0, 0.5, 1.5
FEW_ROWS = 700
MIN_ROWS = 40  # fewer rows cannot tell one strength from another


class Strength(NamedTuple):
    """A strength of regularization: a multiple of the usual l2, and maybe a dropout."""

    multiple: float
    dropout: float | None = None  # that of the user

    def numbers(self, job):
        """The lane numbers of a job that it sets."""
        own = {"l2": self.multiple * usual_l2(len(job.rows))}
        if self.dropout is not None:
            own["dropout"] = (self.dropout,) * len(job.numbers["dropout"])
        return own

    def unusualness(self):
        """About how many times three it is from the usual strength."""
        return abs(np.log(self.multiple)) / np.log(3) + (self.dropout == 0)


FIRST = (Strength(1.0, AUTO_DROPOUT), Strength(1.0, 0.0), Strength(3.0, AUTO_DROPOUT))
# Then these, if the last of the first is the best of them, or else the others, step by
# step as long as the last step has the best so far.
STRONGER = (Strength(10.0, AUTO_DROPOUT),), (Strength(30.0, AUTO_DROPOUT),)
WEAKER = (
    (Strength(0.3, AUTO_DROPOUT), Strength(0.1, 0.0)),
    (Strength(0.1, AUTO_DROPOUT),),
)


class FeatureStrength(NamedTuple):
    """A strength of `feature_l1`."""

    value: float

    def numbers(self, job):
        """The lane numbers of a job that it sets."""
        return {"feature_l1": self.value}


FEATURE_STRENGTHS = [FeatureStrength(v) for v in (0.0, *np.geomspace(0.001, 0.5, 10))]


def has_rows_for_pilots(estimator, sample):
    """Whether the rows that count are enough for pilots, and not of one group."""
    sample = _that_counts(estimator, sample)
    is_one_group = sample.groups is not None and len(np.unique(sample.groups)) < 2
    return len(sample) >= MIN_ROWS and not is_one_group


def _that_counts(estimator, sample):
    """The rows that `class_weight` leaves a weight, so that every fold has some."""
    return sample.that_counts((sample.weight > 0) * estimator._class_weights(sample))


def choose_strengths(estimator, sample, training, run, given=None):
    """Train the pilots; return the parameters that they chose, and the losses.

    Parameters
    ----------
    estimator : estimator
        It knows the targets.
    sample : Sample
    training : Sample
        The rows of it that the network itself will train on.
    run : TrainingRun
    given : Sample or None
        Validation rows of the user's own: early stopping looks at these.

    Returns
    -------
    chosen : dict
        Parameters of the network.
    paths : dict
        The fitted attributes `strength_path_` and `feature_path_`, of what was chosen.
    """
    chosen, paths = {}, {}
    usual = usual_l2(len(_that_counts(estimator, training)))
    for name, attribute, choose in (
        ("l2", "strength_path_", partial(_choose_l2, usual)),
        ("feature_l1", "feature_path_", _choose_feature_l1),
    ):
        if name not in left_to_pilots(estimator):
            continue
        if estimator.verbose:
            print(f"{name}='auto': trainings on parts of the rows (pilots) choose it.")
        so_far = copied(estimator, **chosen)
        found, paths[attribute] = choose(so_far, sample, run, given)
        chosen |= found
        if estimator.verbose:
            said = ", ".join(f"{name}={value:.3g}" for name, value in found.items())
            print(f"The pilots chose {said}.")
    return chosen, paths


def _choose_l2(usual, estimator, sample, run, given):
    """The penalty, and the dropout if it is left to pilots, with all losses."""
    are_few = len(sample) < FEW_ROWS
    n_folds = N_FOLDS if are_few else N_FOLDS_OF_MANY
    folds = _Folds(estimator, sample, run, given, n_folds)
    strengths = _open_to(estimator, FIRST)
    losses = folds.losses(strengths)
    is_stronger_best = _best(losses) == len(strengths) - 1
    for step in STRONGER if is_stronger_best else WEAKER:
        more = _open_to(estimator, step)
        losses = np.concatenate([losses, folds.losses(more)])
        strengths += more
        if _best(losses) < len(strengths) - len(more):
            break
    path = {
        "l2": np.array([s.multiple for s in strengths]) * usual,
        "val_loss": losses,
    }
    if is_auto(estimator.dropout):
        path["dropout"] = np.array([s.dropout for s in strengths])
    best = _chosen(
        losses, strengths, DOUBT_OF_WEAKER_ON_FEW if are_few else DOUBT_OF_WEAKER
    )
    chosen = {name: float(path[name][best]) for name in path if name != "val_loss"}
    order = np.argsort(path["l2"], kind="stable")
    return chosen, {name: values[order] for name, values in path.items()}


def _choose_feature_l1(estimator, sample, run, given):
    """The strongest penalty on features that is about as good as the best."""
    most = FEATURE_STRENGTHS[-1].value  # so that programs have the penalty
    folds = _Folds(copied(estimator, feature_l1=most), sample, run, given, N_FOLDS)
    losses = folds.losses(FEATURE_STRENGTHS)
    values = np.array([strength.value for strength in FEATURE_STRENGTHS])
    chosen = {"feature_l1": float(values[max(_good(losses, DOUBT_OF_STRONGER))])}
    return chosen, {"feature_l1": values, "val_loss": losses}


def _open_to(estimator, strengths):
    """These strengths for an estimator: its own dropout, if it is not left to skreg."""
    if is_auto(estimator.dropout) and hidden_layers(estimator.hidden_layer_sizes):
        return list(strengths)
    own = AUTO_DROPOUT if is_auto(estimator.dropout) else None
    return [Strength(s.multiple, own) for s in strengths if s.dropout]


class _Folds:
    """The rows of the pilots: `n_folds` folds, fewer and parts of them if very many."""

    def __init__(self, estimator, sample, run, given, n_folds):
        sample = _that_counts(estimator, sample)
        classes, how = estimator._row_classes(sample.y), estimator.validation_fraction
        folds = folds_of(sample, classes, how, N_FOLDS, run.seed)
        n_training = max(len(training) for training, _ in folds)
        n_folds = np.clip(round(MAX_ROWS / n_training), 1, n_folds)
        batch_size = _batch_size(estimator, len(sample))
        self.jobs, self.held_out, structures = [], [], []
        stops = estimator.early_stopping and estimator.monitor != "loss"
        for indices in folds[-n_folds:]:
            training, held_out = (sample[_some(rows, run.seed)] for rows in indices)
            watched = (given or held_out) if stops else None
            parts = training, held_out, watched
            structure, job, rows = _pilot(estimator, parts, batch_size, run)
            structures.append(structure)
            self.jobs.append(job)
            self.held_out.append(rows)
        # With batches of all rows, those of folds may differ.
        self.structure = max(structures, key=lambda structure: structure.batch_size)

    def losses(self, strengths):
        """Losses on held-out rows, of shape (n_strengths, n_folds)."""
        jobs = [
            replace(job, numbers=job.numbers | strength.numbers(job))
            for strength in strengths
            for job in self.jobs
        ]
        results = stacking.train(self.structure, jobs, are_pilots=True)
        for result in results:
            if result.error is not None:
                raise result.error
        losses = held_out_losses(
            self.structure,
            [result.state for result in results],
            [job.numbers for job in jobs],
            self.held_out * len(strengths),
        )
        return losses.reshape(len(strengths), len(self.jobs))


def _some(indices, seed):
    """At most `MAX_ROWS` of these indices."""
    if len(indices) <= MAX_ROWS:
        return indices
    return np.sort(np.random.default_rng(seed).permutation(indices)[:MAX_ROWS])


def _batch_size(estimator, n_rows):
    """The batch size of all pilots: that of the fit, or of one on as many rows."""
    if not is_auto(estimator.batch_size):
        return estimator.batch_size
    most = MAX_ROWS * N_FOLDS // (N_FOLDS - 1)
    return batch_size_of(estimator, min(n_rows, most))[0]


def _pilot(estimator, parts, batch_size, run):
    """The structure and the job of a fold's pilots, and their held-out rows.

    `parts` are the rows to train on, those held out, and those by which early stopping
    decides, or None.
    """
    training, held_out, watched = parts
    pilot = copied(estimator, n_members=1, verbose=0, callbacks=None)
    drop_attributes_of_fit(pilot)
    is_full = batch_size == "full" or batch_size >= len(training)
    pilot.batch_size = "full" if is_full else batch_size
    known = getattr(estimator, "classes_", None)
    pilot._learn_targets(training.y, training.weight, known)
    pilot._learn_inputs(training)
    if watched is held_out and _lacks_a_class(pilot, held_out):
        pilot.monitor = "val_loss"  # a scorer may give no number on these rows
    structure, job = job_of(pilot, training, watched, run)
    pilot._take_state(structure, job, job.state, job.schedule.learning_rate)
    rows = encoded_rows(pilot, held_out, structure.dtype)
    return structure, with_listeners(pilot, job, watched), rows


def _lacks_a_class(pilot, rows):
    """Whether a class, or a label's 0 or 1, is missing among rows."""
    if not is_classifier(pilot):
        return False
    n_values = 2 if pilot._multilabel else len(pilot.classes_)
    columns = rows.y.reshape(len(rows), -1).T
    return any(len(np.unique(column)) < n_values for column in columns)


def _chosen(losses, strengths, doubt_of_weaker):
    """Index of the most usual strength that is about as good as the best.

    That is, its loss is within so many standard errors of the difference, over the
    folds: `doubt_of_weaker`, if the best is weaker than the usual one, otherwise one.
    """
    is_weaker = strengths[_best(losses)].multiple < 1
    doubt = doubt_of_weaker if is_weaker else DOUBT_OF_STRONGER
    good = _good(losses, doubt)
    return min(good, key=lambda index: strengths[index].unusualness())


def _best(losses):
    """Index of the least mean loss; the first, whose training says what is wrong."""
    means = losses.mean(axis=1)
    return np.nanargmin(means) if np.isfinite(means).any() else 0


def _good(losses, doubt):
    """Indices of strengths that are about as good as the best."""
    means, n_folds = losses.mean(axis=1), losses.shape[1]
    best = _best(losses)
    good = [best]
    for index in np.flatnonzero(np.isfinite(means)):
        differences = losses[index] - losses[best]
        if n_folds > 1 and differences.mean() <= (
            doubt * differences.std(ddof=1) / np.sqrt(n_folds)
        ):
            good.append(index)
    return good

"""Encode targets for the network, and decode its outputs.

A coder is fitted to the training targets and then also encodes other targets.
"""

from numbers import Real

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

# The engine's losses for a classifier's `loss`: with one output per label, and with
# one output per class.
_CLASS_LOSSES = {
    "log_loss": ("binary_log_loss", "categorical_log_loss"),
    "focal": ("binary_focal", "categorical_focal"),
    "hinge": ("binary_hinge", "categorical_hinge"),
}


def check_class_targets(y):
    """Check class targets; returns shape (n,), or a 0/1 indicator (n, n_labels)."""
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                "y with several columns must be an indicator matrix of 0 and 1. "
                f"Got the values {np.unique(y).tolist()}."
            )
        return y
    if kind.endswith("multioutput"):
        raise ValueError(
            "y must have one column, or be a 0/1 indicator matrix of labels. Got "
            "several columns of classes: fit one estimator per column with "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    return column_or_1d(y, warn=True)


def balanced_weights(y, weight):
    """Factors of the rows' weights that give each class the same total weight.

    As scikit-learn's ``class_weight="balanced"``: for indicators of several labels, the
    product of the labels' factors.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    factors = np.ones(len(y))
    weight = weight / (weight.max() or 1)  # a sum of huge weights would overflow
    for column in y.reshape(len(y), -1).T:
        _, codes = np.unique(column, return_inverse=True)
        totals = np.bincount(codes, weights=weight)
        factors *= (totals.mean() / np.where(totals > 0, totals, 1))[codes]
    return factors


def targets_as_text(coder):
    """The coder's attributes as one string, for fingerprints."""
    return repr([(k, np.asarray(v).tolist()) for k, v in vars(coder).items()])


class ClassTargets:
    """Coder of class targets: binary, multiclass or multilabel.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    multilabel : bool
    """

    def __init__(self, classes, multilabel):
        self.classes = classes
        self.multilabel = multilabel

    @classmethod
    def of(cls, y, classes=None):
        """Make the coder from checked targets, or from `classes` if they are given."""
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), True)
        found = np.unique(y if classes is None else classes)
        if len(found) < 2:
            raise ValueError(
                f"y must have at least 2 classes. Got one class: {found.tolist()[0]!r}."
            )
        return cls(found, False)

    @property
    def n_outputs(self):
        """Columns of the network's output."""
        binary = len(self.classes) == 2 and not self.multilabel
        return 1 if binary else len(self.classes)

    def loss(self, name):
        """The engine's loss for the parameter's `name`."""
        one_hot = not self.multilabel and self.n_outputs > 1
        return _CLASS_LOSSES[name][one_hot]

    def encode(self, y):
        """Encode targets for the engine, shape (n, 1) or (n, n_labels)."""
        if y.shape[1:] != (self.classes.shape if self.multilabel else ()):
            wanted = f"{len(self.classes)} columns" if self.multilabel else "one column"
            raise ValueError(
                f"y must have {wanted}, as in the first fit. Got shape {y.shape}."
            )
        return y.astype(float) if self.multilabel else self.codes(y)[:, None] + 0.0

    def codes(self, y):
        """The index of each label in `classes`; raises for unknown labels."""
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(
                "y must have only labels among the classes "
                f"{self.classes.tolist()}. Got {unknown.tolist()} as well."
            )
        return np.searchsorted(self.classes, y)

    def weights(self, by_label):
        """The weight of each class from a dictionary; 1 for classes not in it."""
        labels = list(self.classes)
        unknown = set(by_label) - set(labels)
        without = [label for label in labels if label not in by_label]
        # A part of the data may lack classes. But where a class has no weight, a key
        # that is no label may be a misspelt one: scikit-learn's rule.
        if unknown and without:
            raise ValueError(
                "The 'class_weight' parameter must have keys among the classes "
                f"{self.classes.tolist()}, or weights for all of these. Got "
                f"{sorted(unknown, key=str)} as well, and none for "
                f"{np.array(without).tolist()}."
            )
        found = [by_label.get(label, 1.0) for label in labels]
        if not all(isinstance(weight, Real) for weight in found):
            raise ValueError(
                "The 'class_weight' parameter must have numbers as values. Got "
                f"{by_label!r} instead."
            )
        return np.array(found, float)

    def label_weights(self, by_value, y):
        """Each row's weight, the product over columns, from a dictionary for each.

        A part of the data may lack a column's 0 or 1.
        """
        if len(by_value) != self.n_outputs or not all(
            isinstance(column, dict) for column in by_value
        ):
            raise ValueError(
                "The 'class_weight' parameter must be a list of "
                f"{self.n_outputs} dictionaries, one for each column of y. Got "
                f"{by_value!r} instead."
            )
        coder = ClassTargets(np.arange(2), False)
        columns = zip(by_value, y.T.astype(int), strict=True)
        return np.prod([coder.weights(own)[column] for own, column in columns], axis=0)


def _deviation(centred, weight):
    """Standard deviation of columns of mean 0; their squares may be no numbers."""
    _, exponent = np.frexp(np.abs(centred).max(axis=0))
    unit = np.ldexp(1.0, np.minimum(exponent, 1023))  # its products are exact
    return unit * np.sqrt(np.average((centred / unit) ** 2, axis=0, weights=weight))


class NumberTargets:
    """Coder of numeric targets, which it can standardise.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_outputs,)
        Targets are ``offset + scale * outputs``.
    one_dimensional : bool
        Whether predictions have shape (n,).
    """

    def __init__(self, offset, scale, one_dimensional):
        self.offset = offset
        self.scale = scale
        self.one_dimensional = one_dimensional

    @classmethod
    def of(cls, y, weight, normalize, loss):
        """Fit the coder to targets `y`, weighted by `weight` of shape (n,)."""
        columns, weight = y.reshape(len(y), -1), weight / weight.max()
        offset, scale = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
        if normalize:
            mean = np.average(columns, axis=0, weights=weight)
            if loss == "poisson":  # outputs go through exp: only scale
                scale = mean
            else:
                offset = mean
                scale = _deviation(columns - mean, weight)
                # A column that is constant up to rounding is not scaled.
                scale = np.where(scale > 1e-12 * np.abs(mean), scale, 1.0)
        return cls(offset, np.where(scale > 0, scale, 1.0), y.ndim == 1)

    @property
    def n_outputs(self):
        """Columns of the network's output."""
        return len(self.offset)

    def loss(self, name):
        """The engine's loss for the parameter's `name`."""
        return name

    def encode(self, y):
        """Encode targets for the engine, shape (n, n_outputs)."""
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.n_outputs:
            raise ValueError(
                f"y must have {self.n_outputs} columns, as in the first fit. Got "
                f"{columns.shape[1]}."
            )
        return (columns - self.offset) / self.scale

    def decode(self, outputs):
        """Decode outputs to predictions in the units of the targets."""
        y = self.offset + self.scale * outputs
        return y[:, 0] if self.one_dimensional else y

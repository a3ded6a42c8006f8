"""Convert estimators to SciKeras estimators of the same network and settings.

Importing SciKeras changes how Keras objects are pickled, so it is imported only when
one of its estimators is needed.
"""

from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, is_classifier
from sklearn.utils import ClassifierTags, RegressorTags

from ..engine import floatx, keras
from ..fitting import (
    NumberTargets,
    Standardizer,
    check_parameters,
    flattened,
    is_auto,
    optimizer_settings,
)
from .scikeras_network import build_network, keras_schedule

# Parameters that SciKeras has itself, gets in another form or does not get. All others
# belong to the network and are named ``model__dropout`` and so on.
_DURATION = {"epochs", "batch_size", "verbose", "warm_start", "random_state"}
_STOPPING = {"early_stopping", "validation_fraction", "patience", "min_delta"}
_STOPPING |= {"monitor", "restore_best_weights"}
_OTHERS = {"callbacks", "class_weight", "mixup", "n_members", "checkpoint"}
_OTHERS |= {"checkpoint_every", "feature_l1", "feature_groups"}


def to_scikeras(estimator):
    """A SciKeras estimator with the estimator's network and settings.

    See ``MLPRegularizedClassifier.to_scikeras``.
    """
    _import_scikeras()
    check_parameters(estimator, type(estimator)._rules)
    _check_settings(estimator)
    # Raises for a schedule that Keras does not have.
    keras_schedule(estimator, optimizer_settings(estimator), n_steps=100)
    given = estimator.get_params(deep=False)
    if hasattr(estimator, "_state"):
        given |= estimator._chosen_parameters()
    settings = {name: given[name] for name in _DURATION}
    settings |= {"batch_size": _batch_size(estimator), "verbose": int(given["verbose"])}
    callbacks = list(given["callbacks"] or ())
    if estimator.early_stopping:
        callbacks.append(_early_stopping(estimator))
        if estimator.monitor == "val_loss":
            settings["validation_split"] = estimator.validation_fraction
    network = set(given) - _DURATION - _STOPPING - _OTHERS
    settings |= {f"model__{name}": given[name] for name in sorted(network)}
    if is_classifier(estimator):
        # A function here makes SciKeras one-hot encode the classes for every loss.
        settings |= {
            "class_weight": given["class_weight"],
            "loss": keras().losses.categorical_crossentropy,
        }
    kind = "Classifier" if is_classifier(estimator) else "Regressor"
    return __getattr__(f"ScaledKeras{kind}")(
        model=partial(build_network, type(estimator)),
        optimizer=None,  # `build_network` sets it
        callbacks=callbacks or None,
        **settings,
    )


def _import_scikeras():
    keras()  # first, so that Keras starts on the right backend
    try:
        from scikeras import wrappers  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            'to_scikeras needs SciKeras: pip install "skreg[scikeras]".'
        ) from error
    return wrappers


def _check_settings(estimator):
    """Raise ValueError for a setting that SciKeras does not support."""
    for name, is_there, why in (
        ("n_members", estimator.n_members == 1, "only one network: set n_members=1"),
        ("mixup", estimator.mixup == 0, "no mixtures of rows: set mixup=0"),
        ("feature_l1", estimator.feature_l1 == 0, "no such penalty: set feature_l1=0"),
        (
            "monitor",
            not estimator.early_stopping or estimator.monitor in ("val_loss", "loss"),
            "only losses to monitor: set monitor='val_loss' or 'loss'",
        ),
        (
            "validation_fraction",
            isinstance(estimator.validation_fraction, Real),
            "only the last rows for validation: set it to their share",
        ),
        (
            "loss",
            estimator.loss != "hinge",
            "probabilities but no margins: set loss='log_loss'",
        ),
    ):
        if not is_there:
            raise ValueError(
                f"The {name!r} parameter cannot be converted to SciKeras, which has "
                f"{why}. Got {getattr(estimator, name)!r}."
            )


def _batch_size(estimator):
    if estimator.batch_size == "full":
        return -1  # SciKeras's value for all rows
    if is_auto(estimator.batch_size):
        # That of the fit or, before a fit, what "auto" is up to 1,800 rows.
        return estimator._structure().batch_size if hasattr(estimator, "_state") else 32
    return estimator.batch_size


def _early_stopping(estimator):
    return keras().callbacks.EarlyStopping(
        monitor=estimator.monitor,
        patience=estimator.patience,
        min_delta=estimator.min_delta,
        restore_best_weights=estimator.restore_best_weights,
    )


# --- scaling, which SciKeras calls encoding


class InputScaler(TransformerMixin, BaseEstimator):
    """The estimators' standardisation of inputs, as SciKeras's feature encoder."""

    def __init__(self, normalize="robust"):
        self.normalize = normalize

    def fit(self, X, y=None):
        """Compute the statistics of the columns; all rows have the same weight."""
        X = flattened(X)
        self.standardizer_ = Standardizer.identity(X.shape[1])
        if self.normalize:
            robust = self.normalize == "robust"
            self.standardizer_ = Standardizer.of(X, np.ones(X.shape[0]), robust)
        return self

    def transform(self, X):
        """The standardised columns, shape (n_samples, n_features)."""
        return self.standardizer_.transform(flattened(X), floatx())


class TargetScaler(TransformerMixin, BaseEstimator):
    """The regressor's standardisation of targets, as SciKeras's target encoder."""

    def __init__(self, normalize="robust", loss="squared_error"):
        self.normalize = normalize
        self.loss = loss

    def fit(self, y):
        """Compute the statistics of the targets; all rows have the same weight."""
        y = np.asarray(y, float)
        self.coder_ = NumberTargets.of(y, np.ones(len(y)), self.normalize, self.loss)
        return self

    def get_metadata(self):
        """Metadata on the network's outputs, for SciKeras."""
        return {"n_outputs_": self.coder_.n_outputs, "n_outputs_expected_": 1}

    def transform(self, y):
        """Targets in standardised units, shape (n_samples, n_outputs)."""
        return self.coder_.encode(np.asarray(y, float)).astype(floatx())

    def inverse_transform(self, outputs):
        """Predictions in the targets' units."""
        return self.coder_.decode(outputs)


class _ScalesInputs:
    """Mixin of both classes, which scales the inputs.

    The subclasses add tags: without them scikit-learn would not stratify a
    classifier's folds.
    """

    @property
    def feature_encoder(self):
        """The scaler of inputs, which SciKeras fits in each fit."""
        return InputScaler(self.model__normalize)


class _ClassifierMixin(_ScalesInputs):
    """A SciKeras classifier on standardised inputs; made by `to_scikeras`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags


class _RegressorMixin(_ScalesInputs):
    """A SciKeras regressor on standardised inputs and targets; by `to_scikeras`."""

    @property
    def target_encoder(self):
        """The scaler of targets, which SciKeras fits in each fit."""
        return TargetScaler(self.model__normalize, self.model__loss)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags


_CLASSES = {
    "ScaledKerasClassifier": (_ClassifierMixin, "KerasClassifier"),
    "ScaledKerasRegressor": (_RegressorMixin, "KerasRegressor"),
}


def __getattr__(name):
    """The two SciKeras classes, created on first access, also by pickle."""
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    mixin, base = _CLASSES[name]
    bases = (mixin, getattr(_import_scikeras(), base))
    body = {"__module__": __name__, "__doc__": mixin.__doc__}
    return globals().setdefault(name, type(name, bases, body))

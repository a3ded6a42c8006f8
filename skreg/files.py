"""Save estimators to files and load them, without pickle."""

from typing import Any

from .estimators import MLPRegularizedClassifier, MLPRegularizedRegressor
from .persistence import read_network, write_network
from .typing import Path

CLASSES = {
    kind.__name__: kind for kind in (MLPRegularizedClassifier, MLPRegularizedRegressor)
}


def save(estimator: Any, path: Path) -> None:
    """Save an estimator to one file, without pickle.

    The file is a zip with JSON and arrays: parameters, weights, the optimizer's state,
    classes, feature names, history and versions. The estimator that `load` returns
    predicts the same, bit for bit, and continues training from the same state. The file
    is written completely or not at all.

    Parameters
    ----------
    estimator : MLPRegularizedClassifier or MLPRegularizedRegressor
        Fitted or not. From a pipeline or a search, pass the network, such as
        ``pipeline[-1]`` or ``search.best_estimator_``. To save a whole pipeline, use
        skops or joblib.
    path : path-like
        Path of the file, in a folder that exists. An existing file is replaced by a new
        one, which takes over its permissions, extended attributes and, where the system
        allows it, its owner. Other hard links to the old file still lead to that. A
        symbolic link stays one; a device or a pipe is written to. If the process is
        killed meanwhile, a hidden file that ends in ".part" may be left beside it.

    Raises
    ------
    TypeError
        If the estimator is of another class.
    ValueError
        If a parameter cannot be stored: a function, callbacks, or an object whose class
        is neither Keras's own nor a scikit-learn splitter. Or if `load` would refuse
        the file: the estimator is run through its checks before anything is written.
    OSError
        If the file cannot be written. An existing file is left unchanged.

    See Also
    --------
    load : Reads the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn.datasets import load_iris
    >>> import skreg
    >>> X, y = load_iris(return_X_y=True)
    >>> network = skreg.MLPRegularizedClassifier((8,), epochs=5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "iris.skreg"
    ...     skreg.save(network, path)
    ...     loaded = skreg.load(path)
    >>> bool((loaded.predict_proba(X) == network.predict_proba(X)).all())
    True
    """
    name = type(estimator).__name__
    if CLASSES.get(name) is not type(estimator):
        raise TypeError(
            f"The 'estimator' parameter must be an {' or '.join(CLASSES)}. Got {name} "
            "instead. From a pipeline pass its last step, from a search its "
            "best_estimator_."
        )
    write_network(path, estimator)


def load(path: Path) -> Any:
    """Load an estimator that `save` wrote.

    Nothing in the file is executed. Loading creates only built-in values, arrays, NumPy
    random states, scikit-learn's splitters, and Keras's own optimizers, schedules and
    initializers.

    Parameters
    ----------
    path : path-like
        Path of a file that `save` or a `checkpoint` wrote.

    Returns
    -------
    MLPRegularizedClassifier or MLPRegularizedRegressor

    Raises
    ------
    ValueError
        If the file is damaged, of a newer format, or not a saved estimator. Devices and
        pipes are not read.
    OSError
        If the file cannot be opened.

    Examples
    --------
    See `save`.
    """
    return read_network(path, CLASSES)

"""Save and load only the weights of a network."""

from ..fitting import copied
from . import storage
from .checks import check_weights


def save_weights(estimator, path):
    """Write the weights and moving statistics of an estimator's members."""
    members = [
        {name: member._state[name] for name in ("weights", "moving")}
        for member in estimator.members_
    ]
    storage.write(path, "weights", {"members": members})


def load_weights(estimator, path):
    """Load weights and moving statistics from a file into an estimator's members."""
    members, content = estimator.members_, storage.read(path, "weights")
    with storage.reading(path):
        found = list(content["members"])
        if len(found) != len(members):
            raise ValueError(
                f"it holds {len(found)} networks, but the estimator has {len(members)}"
            )
        for member, parts in zip(members, found, strict=True):
            check_weights(member._structure(), parts)
    loaded = []
    for member, parts in zip(members, found, strict=True):
        arrays = {name: parts[name] for name in ("weights", "moving")}
        # Copies of the estimator share its members.
        loaded.append(copied(member, _state={**member._state, **arrays}))
        vars(loaded[-1]).pop("_keras_model", None)
    if members != [estimator]:
        estimator._members = loaded
    estimator._state = loaded[0]._state
    vars(estimator).pop("_keras_model", None)

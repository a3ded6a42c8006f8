"""The networks of an ensemble: their seeds, and which of them a fit trains."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from ..fitting import copied
from ..persistence import seed_to_go_on_with
from .fitted import FittedNetwork

# Attributes that scikit-learn sets on an estimator during a fit with its callbacks.
_OF_ONE_FIT = {"_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx"}


def drop_attributes_of_fit(copy):
    """Drop what belongs to the estimator's own fit from a copy of it."""
    for name in _OF_ONE_FIT & vars(copy).keys():
        delattr(copy, name)


class Ensemble(FittedNetwork):
    """Base class that trains one network or several."""

    _state: dict

    def _draw_seed(self, is_partial):
        is_fixed = isinstance(self.random_state, Integral)
        if not is_fixed and self.checkpoint is not None and not is_partial:
            seed = seed_to_go_on_with(self.checkpoint, self.n_members)
            if seed is not None:
                return seed
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _member_seeds(self, run):
        """The random seed of each network of the ensemble."""
        if not run.continues:
            others = np.random.SeedSequence(run.seed).generate_state(self.n_members)
            return [run.seed, *(others[1:] >> 1).tolist()]
        members = self._all_members()
        if len(members) != self.n_members:
            raise ValueError(
                "The 'n_members' parameter must be that of the earlier fit, "
                f"{len(members)}, to continue training (warm_start, partial_fit). Got "
                f"{self.n_members}: to change it, fit with warm_start=False."
            )
        return [member._state["seed"] for member in members]

    def _members_to_train(self, run):
        """The networks of the ensemble to train, each as an estimator."""
        if not run.continues:
            vars(self).pop("_members", None)  # of an earlier fit
        if self.n_members == 1:
            return [self]
        members = self._all_members() if run.continues else [self] * self.n_members
        # Parameters may have changed since the members were last trained.
        parameters = self.get_params(deep=False) | {"n_members": 1}
        return [copied(member, **parameters) for member in members]

    def _take_members(self, members):
        """Store the members, and take the attributes of the first one."""
        if members != [self]:
            vars(self).pop("_keras_model", None)  # of an earlier fit
            vars(self).update(vars(members[0]) | {"n_members": self.n_members})
            self._members = members
            for member in members:
                drop_attributes_of_fit(member)

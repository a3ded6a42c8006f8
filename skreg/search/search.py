"""`RegularizationSearchCV`: randomized search with successive halving."""

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self

from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv

# The public import (sklearn.experimental) adds names to sklearn.model_selection.
from sklearn.model_selection._search_successive_halving import HalvingRandomSearchCV
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from ..fitting import check_count, left_to_pilots, network_of, prefix_of
from ..inspection import (
    check_folds,
    for_network,
    shuffled_folds,
    with_chosen_strength,
)
from ..stacking import stacked_if_not_yet
from ..typing import Features, RandomState, Splitter, Targets
from .found import FoundNetwork
from .space import regularization_space

MAX_RUNGS = 3  # with the default factor the first has a ninth of the epochs


class RegularizationSearchCV(FoundNetwork):
    """Search for the best mixture of remedies, with cross-validation.

    Candidates are drawn from `regularization_space` and compared by successive halving
    [1]_: all train for a ninth of the epochs, the best third for a third of the epochs,
    and the best third of these for all epochs (for 99 of 100: three times three times
    11). Each of these rungs trains from the start, with schedules that fit its length.
    The last fit has all epochs. All fits train in stacks, as in `stacked`. The search
    is itself an estimator: nested cross-validation measures the whole search.

    Parameters
    ----------
    estimator : estimator or Pipeline, default=None
        The network, or a pipeline that ends in one. Parameters that are not in the
        space keep their values. None is ``MLPRegularizedClassifier()``.
    n_iter : int, default=200
        Number of candidates, at least 1.
    cv : int or splitter, default=5
        Number of folds, at least 2, shuffled (and stratified for classes); or a
        splitter, as in ``GridSearchCV``.
    level : {"quick", "full"}, default="quick"
        Size of the search space: see `regularization_space`.
    space : dict or list of dict, default=None
        Distributions that replace those of `regularization_space`; `level` is then not
        used.
    scoring : str or callable, default=None
        Score by which candidates are compared, as in ``GridSearchCV``. None is accuracy
        or R2. "neg_log_loss" finds networks with far better probabilities and about the
        same accuracy.
    factor : int, default=3
        The best ``1 / factor`` of the candidates go on to the next rung and train
        `factor` times as long; at least 2.
    refit : bool, default=True
        Whether to fit the best candidate to all rows at the end.
    n_members : int, default=5
        Number of networks in the ensemble that is fitted to all rows with the best
        parameters, at least 1 (more if the estimator or the candidate has more).
        Candidates do not use it, so it costs little compared with the search. Only used
        with ``refit=True``.
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates. An int also sets the seed of the folds, and of networks
        whose own `random_state` is None.
    verbose : int, default=0
        As in ``GridSearchCV``.

    Attributes
    ----------
    search_ : HalvingRandomSearchCV
        scikit-learn's fitted search.

    cv_results_ : dict of ndarrays
        One entry per candidate and rung, as in ``HalvingRandomSearchCV``.

    best_params_, best_score_, best_estimator_, best_index_
        As in ``GridSearchCV``, for the best candidate of the last rung.

    classes_ : ndarray of shape (n_classes,)
        Labels of the classes; only for a classifier.

    See Also
    --------
    compare_remedies : Measure each remedy by itself.

    References
    ----------
    .. [1] K. Jamieson, A. Talwalkar. "Non-stochastic best arm identification and
       hyperparameter optimization." AISTATS 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPRegularizedClassifier, RegularizationSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPRegularizedClassifier((16,), epochs=54)
    >>> search = RegularizationSearchCV(network, n_iter=9, cv=3, random_state=0)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_iter: int = 200,
        cv: int | Splitter = 5,
        level: Literal["quick", "full"] = "quick",
        space: dict | list[dict] | None = None,
        scoring: str | Callable | None = None,
        factor: int = 3,
        refit: bool = True,
        n_members: int = 5,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_iter = n_iter
        self.cv = cv
        self.level = level
        self.space = space
        self.scoring = scoring
        self.factor = factor
        self.refit = refit
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Features, y: Targets, **params: Any) -> Self:
        """Search, and fit the best candidate to all rows.

        If only this last fit fails, the results of the search are kept.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        **params : dict
            `groups` go to the splitter, the pilots and the last fit; if `cv` is a
            number, all rows of a group are in the same fold. `sample_weight` goes to
            the networks and to a scorer that takes it. Others go to the networks. With
            metadata routing, each goes to those that request it.

        Returns
        -------
        self : RegularizationSearchCV

        Raises
        ------
        ValueError
            If a parameter or the data are not accepted, or every candidate fails.
        """
        network_of(self._network())  # raises if there is none
        check_count(self, "n_iter", 1)
        check_count(self, "factor", 2)
        check_count(self, "n_members", 1)
        check_folds(self.cv)
        if self.space is not None:
            _check_space(self.space)
        draws_loss = self.space is not None and any(
            "loss" in s for s in _listed(self.space)
        )
        # Neither steps of a pipeline nor candidates change what rows may be.
        if not prefix_of(self._network()) and not draws_loss:
            clone(self._network())._validated(X, y, reset=True)
        cv = self.cv
        if isinstance(cv, Integral):
            seed = self._seed() or 0
            cv = shuffled_folds(self._network(), y, cv, seed, params.get("groups"))
        search = self._halving_search(cv)
        with stacked_if_not_yet():
            left = left_to_pilots(network_of(search.estimator))
            varies = [name for name in left if _draws(search, name)]
            network = _of_network(search, params)
            search.estimator = with_chosen_strength(
                search.estimator, X, y, varies=varies, **network
            )
            self.search_ = search.fit(X, y, **params)
        if self.refit:
            best = clone(search.estimator).set_params(
                **clone(search.best_params_, safe=False)
            )
            network = network_of(best)
            network.set_params(n_members=max(network.n_members, self.n_members))
            network.set_params(epochs=search.max_resources)  # a rung may have fewer
            search.best_estimator_ = best.fit(X, y, **_of_network(search, params))
            search.refit = True
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object: that of the search."""
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="score", callee="score")
        search = self._halving_search(check_cv(self.cv))
        return MetadataRouter(owner=self).add(search=search, method_mapping=methods)

    def _seed(self):
        state = self.random_state
        return state if isinstance(state, Integral) else None

    def _halving_search(self, cv):
        """The search itself, unfitted; `cv` is a splitter."""
        estimator = clone(self._network())
        prefix, epochs = prefix_of(estimator), network_of(estimator).epochs
        space, seed = self.space, self._seed()
        if seed is not None and estimator.get_params()[f"{prefix}random_state"] is None:
            estimator.set_params(**{f"{prefix}random_state": seed})
        if space is None:
            kind = "classification" if is_classifier(estimator) else "regression"
            space = regularization_space(kind, self.level, estimator)
        rungs = min(MAX_RUNGS, 1 + math.floor(math.log(self.n_iter, self.factor)))
        return HalvingRandomSearchCV(
            estimator,
            space,
            n_candidates=self.n_iter,
            factor=self.factor,
            resource=f"{prefix}epochs",
            max_resources=epochs,
            min_resources=max(1, epochs // self.factor ** (rungs - 1)),
            cv=cv,
            scoring=self.scoring,
            refit=False,  # `fit` does that, with more members
            random_state=self.random_state,
            return_train_score=True,
            verbose=self.verbose,
        )


def _check_space(space):
    spaces = _listed(space)
    is_list = isinstance(spaces, list | tuple) and len(spaces) > 0
    if not (is_list and all(isinstance(one, dict) for one in spaces)):
        raise ValueError(
            "The 'space' parameter must be a dict of parameters' distributions, or a "
            f"list of such dicts. Got {space!r} instead. regularization_space() gives "
            "an example."
        )


def _listed(space):
    return [space] if isinstance(space, dict) else space


def _draws(search, name):
    """Whether every candidate draws this parameter of the network."""
    spaces = _listed(search.param_distributions)
    return all(prefix_of(search.estimator) + name in space for space in spaces)


def _of_network(search, params):
    """Those parameters of a search's `fit` that are for the network's."""
    if get_config()["enable_metadata_routing"]:
        return process_routing(search, "fit", **params).estimator.fit
    groups = for_network(search.estimator, params.get("groups"))
    return {name: own for name, own in params.items() if name != "groups"} | groups

"""What scikit-learn's versions differ in, notebooks, and skreg's own pickles."""

import inspect
import warnings

from ..fitting import copied
from ..persistence import own_version

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement without callbacks."""

    def with_callbacks(method):
        """Return the method unchanged."""
        return method


class PickledMixin:
    """Pickles that know their version, and outlive parameters that a later one adds."""

    def __getstate__(self):
        return {**super().__getstate__(), "_skreg_version": own_version()}

    def __setstate__(self, state):
        """Take the state; parameters that it lacks get their defaults."""
        state = dict(state)
        version = state.pop("_skreg_version", None)
        parameters = inspect.signature(type(self)).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        if version not in (None, own_version()) or defaults.keys() - state.keys():
            warnings.warn(
                f"This {type(self).__name__} was pickled by skreg "
                f"{version or 'of an unknown version'}, and is read by "
                f"{own_version()}, which may differ. Files of skreg.save are made to "
                "be read by later versions.",
                stacklevel=2,
            )
        super().__setstate__(defaults | state)


class ShownMixin:
    """Notebooks show a fitted network without building what is built on access."""

    def _get_fitted_attr_html(self, doc_link=""):
        # scikit-learn's, since 1.8, gets all attributes.
        shown = copied(self)
        vars(shown).setdefault("_keras_model", "built on first access")
        return super(ShownMixin, shown)._get_fitted_attr_html(doc_link)


__all__ = ["CallbackSupportMixin", "PickledMixin", "ShownMixin", "with_callbacks"]

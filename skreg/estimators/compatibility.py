"""What differs between the versions of scikit-learn."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """In place of scikit-learn's: there are no callbacks."""

    def with_callbacks(method):
        """The method itself."""
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]

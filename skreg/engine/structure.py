"""What shapes a network's computation, apart from the numbers in it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import pairwise


@dataclass(frozen=True)
class Structure:
    """All that a compiled training program depends on; equal structures share one.

    Every other hyperparameter is a number that a lane carries as data.

    Attributes
    ----------
    n_features, n_outputs : int
        Columns of the input and of the raw output.
    hidden : tuple of int
        Units of each hidden layer.
    activation : str or callable
        Keras's name of the hidden activation, or a function of a tensor.
    normalization : {None, "batch", "layer"}
        What stands between a hidden Dense layer and its activation.
    loss : str
        A key of the engine's table of losses.
    optimizer : str
        A key of the engine's table of optimizers.
    options : frozenset of str
        Variants of the optimizer: "nesterov", "amsgrad", "centered".
    batch_size : int
        Rows that a step has room for; a lane may use fewer.
    clipping : {None, "clipnorm", "global_clipnorm", "clipvalue"}
        How gradients are limited.
    remedies : frozenset of str
        The optional parts that are compiled in (see `REMEDIES`). A lane whose number
        for a part is zero trains as it does without the part.
    dtype : {"float32", "float64"}
        Of weights and data: Keras's ``floatx``.
    """

    n_features: int
    n_outputs: int
    hidden: tuple[int, ...]
    activation: str | Callable
    normalization: str | None
    loss: str
    optimizer: str
    options: frozenset[str]
    batch_size: int
    clipping: str | None = None
    remedies: frozenset[str] = frozenset()
    dtype: str = "float32"

    def __or__(self, other):
        """The structure that serves the lanes of both: that of all their remedies."""
        both = self.remedies | other.remedies
        if replace(self, remedies=both) != replace(other, remedies=both):
            raise ValueError(f"{self} and {other} differ in more than their remedies.")
        return replace(self, remedies=both)

    @property
    def widths(self):
        """Units of every layer, from the input to the output."""
        return (self.n_features, *self.hidden, self.n_outputs)

    @property
    def n_kernel_elements(self):
        """Elements of all kernels: what the work of a row is proportional to."""
        return sum(inputs * units for inputs, units in pairwise(self.widths))

    def to_dict(self):
        """The fields as built-in types, from which `from_dict` makes it again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {name: sorted(values[name]) for name in ("options", "remedies")}

    @classmethod
    def from_dict(cls, values):
        """The structure with these values of its fields."""
        sets = {name: frozenset(values[name]) for name in ("options", "remedies")}
        return cls(**values | sets | {"hidden": tuple(values["hidden"])})

    def for_prediction(self):
        """The structure without what matters in training alone."""
        nothing = frozenset()
        return replace(
            self,
            optimizer="sgd",
            options=nothing,
            batch_size=1,
            clipping=None,
            remedies=nothing,
        )


# Parts of a program that cost time and are left out where no lane asks for them, with
# the numbers that ask for each.
REMEDIES = {
    "dropout": ("dropout",),
    "input_dropout": ("input_dropout",),
    "gaussian_noise": ("gaussian_noise",),
    "mixup": ("mixup",),
    "l1": ("l1",),
    "l2": ("l2",),
    "bias_l1": ("bias_l1",),
    "bias_l2": ("bias_l2",),
    "activity_penalties": ("activity_l1", "activity_l2"),
    "max_norm": ("max_norm",),
}

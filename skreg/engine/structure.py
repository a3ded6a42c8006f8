"""The structure of a network: everything that its compiled program depends on."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import pairwise


@dataclass(frozen=True)
class Structure:
    """All that a compiled training program depends on; equal structures share one.

    Every other hyperparameter is a number, which the program reads as data of a lane.

    Attributes
    ----------
    n_features, n_outputs : int
        Columns of the input and of the raw output.
    hidden : tuple of int
        Units of each hidden layer.
    activation : str or callable
        Keras's name of the hidden activation, or a function of a tensor.
    normalization : {None, "batch", "layer"}
        Normalization between each hidden Dense layer and its activation.
    loss : str
        A key of the engine's table of losses.
    optimizer : str
        A key of the engine's table of optimizers.
    options : frozenset of str
        Variants of the optimizer: "nesterov", "amsgrad", "centered".
    batch_size : int
        Maximal number of rows in a step; a lane may use fewer.
    clipping : {None, "clipnorm", "global_clipnorm", "clipvalue"}
        Kind of gradient clipping.
    remedies : frozenset of str
        The optional parts that are compiled in (see `REMEDIES`). A lane whose number
        for a part is zero (max_norm: infinite) trains as if without the part.
    dtype : {"float32", "float64"}
        Dtype of weights and data: Keras's ``floatx``.
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
        """Join the remedies of two structures: the result serves the lanes of both."""
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
        """Number of elements of all kernels; the work per row is proportional to it."""
        return sum(inputs * units for inputs, units in pairwise(self.widths))

    def to_dict(self):
        """Return the fields as built-in types, for `from_dict`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {name: sorted(values[name]) for name in ("options", "remedies")}

    @classmethod
    def from_dict(cls, values):
        """Make a structure from the values of `to_dict`."""
        sets = {name: frozenset(values[name]) for name in ("options", "remedies")}
        return cls(**values | sets | {"hidden": tuple(values["hidden"])})

    def for_prediction(self):
        """Return the structure without the parts that only training uses."""
        nothing = frozenset()
        return replace(
            self,
            optimizer="sgd",
            options=nothing,
            batch_size=1,
            clipping=None,
            remedies=nothing,
        )


# Optional parts of a program, with the numbers that switch each on. They cost time and
# are left out if no lane uses them.
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

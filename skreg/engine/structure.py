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
    feature_groups : None or tuple of int
        For each feature the number of its group, from 0, for `feature_l1`.
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
    feature_groups: tuple[int, ...] | None = None

    @property
    def activations(self):
        """The activations that lanes of a program choose from."""
        return _as_tuple(self.activation)

    @property
    def normalizations(self):
        """The normalizations that lanes of a program choose from."""
        return _as_tuple(self.normalization)

    @property
    def optimizers(self):
        """The optimizers that lanes choose from, as (name, options)."""
        one = self.optimizer, self.options
        return self.optimizer if isinstance(self.optimizer, tuple) else (one,)

    @property
    def is_padded(self):
        """Whether lanes may have fewer features and units than the program."""
        return False

    @property
    def is_elementwise(self):
        """Whether each unit is computed without regard to the others of its layer."""
        return set(self.activations) <= ELEMENTWISE

    def __or__(self, other):
        """Join two structures to one whose program serves the lanes of both.

        Raises
        ------
        ValueError
            If no program can.
        """
        both = replace(self, remedies=self.remedies | other.remedies)
        if both == replace(other, remedies=both.remedies):
            return both
        return SharedStructure.of(self, other)

    def serves(self, other):
        """Whether the program of this structure can train lanes of another."""
        try:
            return self | other == self
        except ValueError:
            return False

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
            feature_groups=None,
        )


@dataclass(frozen=True)
class SharedStructure(Structure):
    """What a program for several structures depends on; each lane has one of them.

    Sizes are the largest of the structures. `activation`, `normalization` and
    `optimizer` are tuples of all that lanes choose from, `options` is empty.
    """

    is_padded: bool = False

    @classmethod
    def of(cls, *structures):
        """Return the structure that serves all of these, by its sizes and choices."""
        first, *others = structures
        same = {"n_outputs", "loss", "batch_size", "clipping", "dtype"}
        same |= {"feature_groups"}
        if any(
            len(own.hidden) != len(first.hidden)
            or any(getattr(own, name) != getattr(first, name) for name in same)
            for own in others
        ):
            raise ValueError(f"No program can serve all of {structures}.")
        sizes = {(own.n_features, own.hidden) for own in structures}
        is_padded = len(sizes) > 1 or any(own.is_padded for own in structures)
        if is_padded and not all(own.is_elementwise for own in structures):
            raise ValueError(f"The activations cannot be padded: {structures}.")
        return cls(
            **{name: getattr(first, name) for name in same},
            n_features=max(own.n_features for own in structures),
            hidden=tuple(
                map(max, zip(*(own.hidden for own in structures), strict=True))
            ),
            activation=_union(own.activations for own in structures),
            normalization=_union(own.normalizations for own in structures),
            optimizer=_union(own.optimizers for own in structures),
            options=frozenset(),
            remedies=frozenset().union(*(own.remedies for own in structures)),
            is_padded=is_padded,
        )


def _as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def _union(tuples):
    """All entries of some tuples, each once, in a fixed order."""
    return tuple(sorted({entry for own in tuples for entry in own}, key=_ordered))


def _ordered(choice):
    """A sort key for an activation, a normalization or an optimizer with options."""
    if isinstance(choice, tuple):
        name, options = choice
        return name, tuple(sorted(options))
    return str(choice)


# Activations that lanes may choose by name: each unit is computed by itself, so that
# those of wider layers do not matter.
ELEMENTWISE = {
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "mish", "relu"),
    *("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign"),
    *("sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink"),
}

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
    "feature_l1": ("feature_l1",),
    "activity_penalties": ("activity_l1", "activity_l2"),
    "max_norm": ("max_norm",),
}

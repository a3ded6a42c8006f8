"""Kinds of rules for parameter values: a check and its text in error messages."""

import math
import numbers
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Rule(NamedTuple):
    """Values that a parameter accepts: a check and its text in error messages."""

    accepts: Callable  # from a value to a bool
    text: str  # "{}" in it is replaced by the names
    names: Callable = tuple  # returns the accepted strings


def is_number(value):
    """Whether the value is a finite real number, not a boolean."""
    if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def is_rate(value):
    """Whether the value is a number in [0, 1)."""
    return is_number(value) and 0 <= value < 1


def not_negative():
    """The rule for a number of at least 0."""
    return Rule(lambda v: is_number(v) and v >= 0, "a number of at least 0")


def positive():
    """The rule for a number above 0."""
    return Rule(lambda v: is_number(v) and v > 0, "a number above 0")


def rate():
    """The rule for a number in [0, 1)."""
    return Rule(is_rate, "a number in [0, 1)")


def fraction():
    """The rule for a number in (0, 1)."""
    return Rule(lambda v: is_number(v) and 0 < v < 1, "a number in (0, 1)")


def is_count(value, low=1):
    """Whether the value is an integer of at least `low`."""
    return is_number(value) and isinstance(value, numbers.Integral) and value >= low


def count(low=1):
    """The rule for an integer of at least `low`."""
    return Rule(lambda v: is_count(v, low), f"an integer of at least {low}")


def boolean():
    """The rule for True or False."""
    return Rule(lambda v: isinstance(v, (bool, np.bool_)), "True or False")


def boolean_or(name):
    """The rule for True, False or this name."""
    return either(lambda: [name], boolean().accepts, "True, False or {}")


def or_none(rule, meaning):
    """The rule that also accepts None; `meaning` says what None means."""
    return rule._replace(
        accepts=lambda v: v is None or rule.accepts(v),
        text=f"{rule.text}, or None ({meaning})",
    )


def either(names, other, text, known=()):
    """The rule for a string among `names()`, or another value that `other` accepts.

    Those that are `known` need no call of `names`, which may import Keras.
    """

    def accepts(value):
        if isinstance(value, str):
            return value in known or value in names()
        return bool(other(value))

    return Rule(accepts, text, names)


def one_of(names):
    """The rule for a string among these names."""
    return either(lambda: names, lambda v: False, "one of {}")


def sequence_of(accepts):
    """A check for lists, tuples and vectors whose items all pass `accepts`."""

    def accepts_all(value):
        is_sequence = isinstance(value, (list, tuple))
        is_vector = isinstance(value, np.ndarray) and value.ndim == 1
        return (is_sequence or is_vector) and all(map(accepts, value))

    return accepts_all

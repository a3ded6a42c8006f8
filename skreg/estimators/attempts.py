"""Methods that leave an estimator unchanged if they fail, or read it at one time."""

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Self, TypeVar

from ..fitting import copied

Estimator = TypeVar("Estimator")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


def all_or_nothing(
    method: Callable[Concatenate[Estimator, Arguments], None],
) -> Callable[Concatenate[Estimator, Arguments], Estimator]:
    """Decorate a method to run on a copy, whose state is kept only on success."""

    @functools.wraps(method)
    def wrapper(
        self: Estimator, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Estimator:
        attempt = copied(self)
        method(attempt, *args, **kwargs)
        self.__dict__ = vars(attempt)
        return self

    signature = inspect.signature(method)
    wrapper.__annotations__ = {**method.__annotations__, "return": Self}
    wrapper.__signature__ = signature.replace(  # type: ignore[attr-defined]
        return_annotation=Self
    )
    return wrapper


def of_one_state(
    method: Callable[Concatenate[Estimator, Arguments], Result],
) -> Callable[Concatenate[Estimator, Arguments], Result]:
    """Decorate a method to run on a copy: another thread may fit the estimator."""

    @functools.wraps(method)
    def wrapper(
        self: Estimator, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        return method(copied(self), *args, **kwargs)

    return wrapper

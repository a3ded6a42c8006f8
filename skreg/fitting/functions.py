"""Functions that a user gives as parameters: activation, initializer and schedule.

What they raise or return wrongly becomes a ValueError that names the parameter.
"""

from contextlib import contextmanager

import numpy as np

from ..engine import draw_kernel, keras


@contextmanager
def _named(parameter, wanted, function):
    """What is raised in this block is raised as a ValueError about the parameter."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        what = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"The {parameter!r} parameter must be {wanted}. {function!r} is not: "
            f"{type(error).__name__}: {what[-1].strip()}"
        ) from error


def check_activation(activation, hidden):
    """Raise ValueError for a function that does not work on the layers' tensors.

    They have the shape (lanes, rows, units); `hidden` are the units of each layer.
    """
    if isinstance(activation, str):
        return
    wanted = (
        "a function of a tensor with any axes before that of the units, which returns "
        "one of the same shape, written with keras.ops (keras.ops.tanh, say, in place "
        "of numpy.tanh)"
    )
    with _named("activation", wanted, activation):
        for shape in {(2, 2, units) for units in hidden}:
            try:
                made = keras().layers.Lambda(activation).compute_output_shape(shape)
            except NotImplementedError as error:  # Keras's, in place of the function's
                raise error.__context__ or error from None
            if made != shape:
                raise ValueError(f"it makes a shape of {made} from {shape}.")
        if getattr(activation, "weights", None):  # of a layer such as PReLU
            raise ValueError("it has weights of its own, which would not train.")


def drawn(initializer, shape, dtype):
    """The kernel that an initializer of the user's draws."""
    wanted = "a name or a function of a shape and a dtype that returns finite numbers"
    with _named("initializer", wanted, initializer):
        kernel = draw_kernel(initializer, shape, dtype)
        if kernel.shape != shape or not np.isfinite(kernel).all():
            begin = kernel.ravel()[:3]
            raise ValueError(f"for {shape} it returns {kernel.shape}, {begin} first.")
    return kernel


def tabulated(schedule, steps):
    """Values of a Keras schedule at many steps, vectorized: traced only once."""
    ops, n_steps = keras().ops, len(steps)
    # JAX compiles it for each length: so for few of them, which repeat the last step.
    length = 2 ** int(n_steps - 1).bit_length()
    padded = np.pad(steps, (0, length - n_steps), mode="edge")

    def values(dtype):
        return ops.vectorized_map(
            lambda step: ops.convert_to_tensor(schedule(step), "float32"),
            ops.convert_to_tensor(padded, dtype),
        )

    wanted = "a name or a Keras schedule whose rates are numbers of at least 0"
    with _named("schedule", wanted, schedule):
        try:
            rates = values("int32")
        except TypeError:  # TensorFlow divides no float by an integer
            rates = values("float32")
        rates = np.array(rates, float)[:n_steps]
        if rates.shape != steps.shape or not (np.isfinite(rates) & (rates >= 0)).all():
            raise ValueError(f"its rates begin with {rates.ravel()[:3]}.")
    return rates

"""What programs cost, and which structures should share one.

The prices are estimates in seconds of one core, measured on a network of 128-128 units
(docs/design.md, "A program may serve several structures"). Only their ratios matter.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations

from ..engine import has_joint_rule, is_large

MAX_CLASSES = 16  # more kinds of structures than these are joined by size first


@lru_cache(4096)
def compile_seconds(structure):
    """The estimated time to compile a structure's program."""
    depth, choices = len(structure.hidden), sum(map(len, _choices(structure))) - 3
    normalizations = sum(kind is not None for kind in structure.normalizations)
    return 0.7 + depth * (0.6 + 0.3 * normalizations + 0.2 * choices)


def _choices(structure):
    return structure.activations, structure.normalizations, structure.optimizers


@lru_cache(4096)
def step_seconds(structure):
    """The estimated time that a lane's step takes."""
    units = structure.batch_size * sum(structure.hidden)
    per_unit = 1.0 + 0.8 * (len(structure.activations) - 1) + 0.5 * structure.is_padded
    per_unit += 1.5 * sum(kind is not None for kind in structure.normalizations)
    per_optimizer = 0.2 if has_joint_rule(structure) else 0.5
    per_weight = 0.7 + per_optimizer * (len(structure.optimizers) - 1)
    weights = structure.n_kernel_elements
    products = 6 * structure.batch_size * weights / 90
    return 1e-9 * (4000 + products + per_weight * weights + per_unit * units)


def plan(steps, existing):
    """Decide which structures share a program.

    Parameters
    ----------
    steps : dict of Structure to int
        For each structure the steps of all its waiting jobs.
    existing : iterable of Structure
        Those of compiled programs.

    Returns
    -------
    dict of Structure to Structure
        For each structure that of its program.
    """
    existing = list(existing)

    def cheapest(cluster):
        """The price of a cluster and the program that has it."""
        members, structure = cluster
        total = sum(steps[own] for own in members)
        prices = [
            (cost + total * step_seconds(program), program)
            for program, cost in _candidates(structure, existing)
        ]
        return min(prices, key=lambda found: found[0])

    clusters = [((own,), own) for own in steps]
    if len(clusters) > MAX_CLASSES:
        clusters = _joined_by_size(clusters)
    priced = {cluster: cheapest(cluster) for cluster in clusters}
    while True:
        gains = []
        for one, other in combinations(priced, 2):
            if joined := _joined(one, other):
                apart = priced[one][0] + priced[other][0]
                gains.append((apart - cheapest(joined)[0], one, other, joined))
        best = max(gains, key=lambda found: found[0], default=(0,))
        if best[0] <= 0:
            break
        _, one, other, joined = best
        del priced[one], priced[other]
        priced[joined] = cheapest(joined)
    return {
        own: program for (members, _), (_, program) in priced.items() for own in members
    }


def _candidates(structure, existing):
    """Programs that serve a structure, with what they cost before the first step."""
    found = [(program, 0.0) for program in existing if program.serves(structure)]
    return [*found, (structure, compile_seconds(structure))]


def _joined(one, other):
    """The cluster of two, or None if no program serves both."""
    structure = join(one[1], other[1])
    return structure and ((*one[0], *other[0]), structure)


@lru_cache(4096)
def join(one, other):
    """The structure that serves two, of a few sizes; None if there is none.

    Where they differ, widths are rounded up to powers of two, so that a later search
    finds programs for most of its sizes.
    """
    try:
        joined = one | other
    except ValueError:
        return None
    if joined.is_padded:
        joined = replace(
            joined,
            n_features=_rounded(one.n_features, other.n_features),
            hidden=tuple(map(_rounded, one.hidden, other.hidden)),
        )
    return None if is_large(joined) else joined


def _rounded(one, other):
    return one if one == other else 2 ** (max(one, other, 8) - 1).bit_length()


def _joined_by_size(clusters):
    """Join clusters with the same sizes, then with similar ones, as far as possible."""
    for size in (_sizes, _rough_sizes):
        found = {}
        for cluster in clusters:
            alike = found.setdefault(size(cluster[1]), [])
            for i, other in enumerate(alike):
                if joined := _joined(other, cluster):
                    alike[i] = joined
                    break
            else:
                alike.append(cluster)
        clusters = [cluster for alike in found.values() for cluster in alike]
        if len(clusters) <= MAX_CLASSES:
            break
    return clusters


def _sizes(structure):
    return structure.n_features, structure.hidden


def _rough_sizes(structure):
    return tuple((size - 1).bit_length() for size in structure.hidden)

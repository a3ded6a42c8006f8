"""Result of a comparison of remedies, as text, data frame and figure."""

import math
from dataclasses import dataclass, field
from itertools import zip_longest

from ..inspection import RemedyDisplay
from ..typing import Axes, Frame


@dataclass(frozen=True)
class Remedy:
    """Scores, gain and cost of one remedy, as means over the folds.

    Attributes
    ----------
    name : str
    parameters : dict
        Parameters that the remedy sets; empty for the network as it is.
    train_score, validation_score : float
        Mean scores on the training rows and on the validation rows.
    gap : float
        Training score minus validation score.
    gain : float
        Validation score minus that of the network as it is.
    gain_low, gain_high : float
        Ends of the gain's 95% confidence interval.
    n_splits : int
        Number of splits that measured the remedy. The gain compares it with the network
        as it is on the same splits.
    relative_cost : float
        Multiplications in the training with the remedy, divided by those of the network
        as it is.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPRegularizedClassifier, compare_remedies
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPRegularizedClassifier((8,), l2=0.001, epochs=5, random_state=0)
    >>> strong = {"strong": {"l2": 3.0}}
    >>> report = compare_remedies(X, y, network, remedies=strong, repeats=1)
    >>> [(remedy.name, remedy.helps) for remedy in report.remedies]
    [('as it is', False), ('strong', False)]
    """

    name: str
    parameters: dict
    train_score: float
    validation_score: float
    gap: float
    gain: float
    gain_low: float
    gain_high: float
    n_splits: int
    relative_cost: float

    @property
    def helps(self) -> bool:
        """Whether the gain's whole interval is above 0."""
        return self.gain_low > 0

    @property
    def harms(self) -> bool:
        """Whether the gain's whole interval is below 0."""
        return self.gain_high < 0


@dataclass(frozen=True)
class RemedyReport:
    """The result of `compare_remedies`.

    Attributes
    ----------
    remedies : tuple of Remedy
        Sorted by number of splits, then by gain, the largest first. One of them, "as it
        is", is the network without a remedy.
    scoring : str
        Name of the score.
    n_splits : int
        Number of splits (folds times repeats) that measured the best remedies.
    seconds : float
        Duration of the comparison.
    failures : dict of str to str
        Error message of each remedy that could not be fitted, by name.

    Examples
    --------
    >>> from skreg import MLPRegularizedClassifier, compare_remedies
    >>> from skreg.datasets import load_sonar
    >>> network = MLPRegularizedClassifier((8,), epochs=5)
    >>> some = {"dropout 0.5": {"dropout": 0.5}}
    >>> report = compare_remedies(*load_sonar(), network, repeats=1, remedies=some)
    >>> report.n_splits, len(report.remedies), report.baseline.parameters
    (5, 2, {})
    """

    remedies: tuple
    scoring: str
    n_splits: int
    seconds: float
    failures: dict = field(default_factory=dict)

    @property
    def baseline(self) -> Remedy:
        """The `Remedy` of the network as it is."""
        return next(r for r in self.remedies if not r.parameters)

    @property
    def helpful(self) -> tuple[Remedy, ...]:
        """Remedies with the gain's interval above 0, in the order of `remedies`."""
        return tuple(r for r in self.remedies if r.helps)

    def to_frame(self) -> Frame:
        """Return a ``pandas.DataFrame`` with one row per remedy (requires pandas)."""
        import pandas as pd  # noqa: PLC0415 (an extra)

        rows = [{**vars(r), "helps": r.helps, "harms": r.harms} for r in self.remedies]
        return pd.DataFrame(rows).set_index("name")

    def __str__(self):
        form = _form(abs(self.baseline.validation_score))
        title = "train", "validation", "gap", "gain", "95% interval", "", "cost"
        rows = [("", *title, "splits")]
        for r in self.remedies:
            *parts, last = r.name.split(" + ")  # one line for each part
            scores = (r.train_score, r.validation_score, r.gap)
            gain = ("", "", "")
            if r.parameters:
                sign = "+" if r.helps else "-" if r.harms else ""
                interval = f"[{r.gain_low:+{form}}, {r.gain_high:+{form}}]"
                gain = f"{r.gain:+{form}}", interval, sign
            rows += [(f"{part} +",) for part in parts]
            cost = f"{r.relative_cost:.1f}x"
            rows.append(
                (last, *(f"{x:{form}}" for x in scores), *gain, cost, str(r.n_splits))
            )
        lines = [
            f"{len(self.remedies) - 1} remedies on {self.n_splits} splits, "
            f"{self.scoring}, {self.seconds:.0f} s",
            *_aligned(rows),
        ]
        lines += [f"{name} failed: {why}" for name, why in self.failures.items()]
        if self.n_splits == 1:
            lines.append("One split does not tell a gain from noise.")
        elif not self.helpful:
            lines.append("No remedy gains more than the folds' noise.")
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None, most: int = 20) -> RemedyDisplay:
        """Draw gains and intervals: see `RemedyDisplay`."""
        return RemedyDisplay(self).plot(ax=ax, most=most)


def _form(size):
    """How to print scores of about this size: in four digits, small ones in fewer."""
    exponent = math.floor(math.log10(size)) if 0 < size < math.inf else 0
    is_usual = -3 < exponent < 7
    return f".{max(3 - max(exponent, 0), 0)}f" if is_usual else ".2e"


def _aligned(rows):
    """Lines of a table: the first column to the left, the others to the right."""
    columns = zip_longest(*rows, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    for first, *others in rows:
        cells = (f"  {x:>{w}}" for x, w in zip(others, widths[1:], strict=False))
        yield f"{first:{widths[0]}}{''.join(cells)}".rstrip()

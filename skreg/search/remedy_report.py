"""What a comparison of remedies found, as text, frame and figure."""

from dataclasses import dataclass, field

from ..inspection import RemedyDisplay
from ..typing import Axes, Frame


@dataclass(frozen=True)
class Remedy:
    """What one remedy did, as means over the folds.

    Attributes
    ----------
    name : str
    parameters : dict
        What it sets; empty for the network as it is.
    train_score, validation_score : float
    gap : float
        Training score minus validation score.
    gain : float
        Validation score minus that of the network as it is.
    gain_low, gain_high : float
        Ends of the gain's confidence interval.
    n_splits : int
        That it was measured on. Gains compare with the network as it is on the same.
    relative_cost : float
        Multiplications of its training, over those of the network as it is.
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
        """Whether the whole interval is above 0."""
        return self.gain_low > 0

    @property
    def harms(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.gain_high < 0


@dataclass(frozen=True)
class RemedyReport:
    """What `compare_remedies` found.

    Attributes
    ----------
    remedies : tuple of Remedy
        Those measured on all splits first, and the largest gain first; the network
        as it is among them.
    scoring : str
        Name of the score.
    n_splits : int
        Folds, times their repetitions: on how many the best were measured.
    seconds : float
        That the comparison took.
    failures : dict of str to str
        Remedies that could not be fitted, and why.

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
        """Remedies whose gain's interval is above 0, the best first."""
        return tuple(r for r in self.remedies if r.helps)

    def to_frame(self) -> Frame:
        """A ``pandas.DataFrame`` with a row a remedy (pandas has to be there)."""
        import pandas as pd  # noqa: PLC0415 (an extra)

        rows = [{**vars(r), "helps": r.helps, "harms": r.harms} for r in self.remedies]
        return pd.DataFrame(rows).set_index("name")

    def __str__(self):
        names = [r.name.split(" + ") for r in self.remedies]  # a mixture's has parts
        width = max(len(part) for parts in names for part in parts) + 2
        lines = [
            f"{len(self.remedies) - 1} remedies on {self.n_splits} splits, "
            f"{self.scoring}, {self.seconds:.0f} s",
            f"{'':{width}}    train  validation    gap     gain  95% interval"
            "          cost  splits",
        ]
        for r, (*parts, last) in zip(self.remedies, names, strict=True):
            sign = "+" if r.helps else "-" if r.harms else " "
            interval = f"[{r.gain_low:+.3f}, {r.gain_high:+.3f}]"
            gain = f"{r.gain:+8.3f}  {interval} {sign}" if r.parameters else " " * 29
            lines += [f"{part} +" for part in parts]
            lines.append(
                f"{last:{width}} {r.train_score:8.3f} {r.validation_score:11.3f} "
                f"{r.gap:6.3f} {gain} {r.relative_cost:5.1f}x "
                f"{r.n_splits:7}"
            )
        lines += [f"{name} failed: {why}" for name, why in self.failures.items()]
        if not self.helpful:
            lines.append("No remedy gains more than the folds' noise.")
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None, most: int = 20) -> RemedyDisplay:
        """Draw gains and intervals: see `RemedyDisplay`."""
        return RemedyDisplay(self).plot(ax=ax, most=most)

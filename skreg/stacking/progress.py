"""The progress bar of a stacked search."""

from contextlib import contextmanager


@contextmanager
def progress_bar(wanted):
    """Yield a function that shows a `SearchProgress`, or None if there is no bar.

    Parameters
    ----------
    wanted : bool or "always"
        True shows the bar only on a terminal or in Jupyter.
    """
    if not wanted:
        yield None
        return
    # rich is a dependency of Keras; its import is slow.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    console = Console(stderr=True)
    if wanted != "always" and not (console.is_terminal or console.is_jupyter):
        yield None
        return
    columns = (
        TextColumn("fits"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("fits", total=None, text="")

        def show(progress):
            text = f"{progress.epochs:,.0f} epochs, {progress.lanes} lanes"
            if progress.pilots:
                text += f", {progress.pilots} pilots trained"
            if progress.best is not None:
                name, value = progress.best
                text += f", best {name} {value:.4f}"
            bar.update(
                task, completed=progress.fits, total=progress.known or None, text=text
            )

        yield show

"""The bar that shows how far a stacked search is."""

from contextlib import contextmanager


@contextmanager
def progress_bar(wanted):
    """Gives a function that shows a `Progress`, or None where nothing is to be shown.

    Parameters
    ----------
    wanted : bool or "always"
        True shows it on a terminal only.
    """
    if not wanted:
        yield None
        return
    # Keras brings rich; it takes a while to import.
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
            if progress.best is not None:
                name, value = progress.best
                text += f", best {name} {value:.4f}"
            bar.update(
                task, completed=progress.fits, total=progress.known or None, text=text
            )

        yield show

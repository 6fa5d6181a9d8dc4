"""How far loading is, as a bar on a terminal."""

from typing import TYPE_CHECKING

from respstore.server.loading import Loaded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class LoadingBar:
    """A `Report` to a person. It imports rich when there is something to show: a server without data starts sooner.

    Args:
        console: where the bar is drawn; standard error if there is none.
    """

    seconds = 0.1

    def __init__(self, console: "Console | None" = None) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def tell(self, loaded: Loaded) -> None:
        """Draw the bar."""
        if self._progress is None:
            self._progress = self._begin()
            self._task = self._progress.add_task("loading the data", total=loaded.size, keys="")
        assert self._task is not None
        self._progress.update(self._task, completed=loaded.at, keys=f"{loaded.keys:,} keys", refresh=True)

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def _begin(self) -> "Progress":
        from rich.console import Console  # noqa: PLC0415 - see above
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (
            *(TextColumn("{task.description}"), BarColumn(), DownloadColumn()),
            *(TextColumn("{task.fields[keys]}"), TimeRemainingColumn()),
        )
        # Without a thread of its own: who saves in the background forks.
        progress = Progress(*columns, console=self._console or Console(stderr=True), transient=True, auto_refresh=False)
        progress.start()
        return progress

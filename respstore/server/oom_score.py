"""How soon Linux ends a process when memory runs out: `oom-score-adj` (proc(5), /proc/PID/oom_score_adj).

A child that saves the data may be given up sooner than the server, whose clients would lose theirs.
"""

import enum
from pathlib import Path
from typing import Final

from respstore.config import Config

LOWEST: Final = -1000
HIGHEST: Final = 1000


class Role(enum.IntEnum):
    """What a process is for: its place among `oom-score-adj-values`, where replicas are in between."""

    SERVER = 0
    CHILD = 2


class OomScore:
    """The score of the process, which the options may move.

    Args:
        config: the options.
        path: the file that has the score of whoever opens it.
    """

    def __init__(self, config: Config, path: Path = Path("/proc/self/oom_score_adj")) -> None:
        self._config = config
        self._path = path
        self._before: int | None = None  # what it was without us; None while the options leave it alone

    def apply(self, role: Role) -> None:
        """Give the process the score that the options say, or the one that it had before they said any.

        Raises:
            OSError: the system has no such scores, or does not let this process have that one.
        """
        mode = self._config.oom_score_adj
        if mode == "no":
            if self._before is not None:
                self._write(self._before)
                self._before = None
            return
        before = int(self._path.read_text()) if self._before is None else self._before
        score = self._config.oom_score_adj_values[role] + (0 if mode == "absolute" else before)
        self._write(min(max(score, LOWEST), HIGHEST))
        self._before = before

    def _write(self, score: int) -> None:
        self._path.write_text(f"{score}")

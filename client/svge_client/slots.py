"""Names of workers for programs that hold several trials at once.

The server gives a worker that asks again what it holds, so each trial needs a worker of its own. The smallest free name is taken:
a program that starts again under the same name gets back what it held.
"""

import threading


class Slots:
    """Hands out `NAME/1`, `NAME/2`, … May be used from several threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def take(self, wanted: str | None = None) -> str:
        """The first free one, or the one that is wanted."""
        with self._lock:
            number = 1
            while wanted is None and f"{self.name}/{number}" in self._taken:
                number += 1
            chosen = wanted or f"{self.name}/{number}"
            self._taken.add(chosen)
            return chosen

    def free(self, taken: str) -> None:
        with self._lock:
            self._taken.discard(taken)

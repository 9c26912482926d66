"""What the parts of the client share."""

from collections.abc import Iterator, Mapping
from typing import Any

from svge_client._sync.transport import Transport


class Resource:
    """A part of the client: the calls of one kind."""

    def __init__(self, transport: Transport, worker: str) -> None:
        self._transport = transport
        self.worker = worker

    @property
    def _longest_pause(self) -> float:
        """The longest pause between two attempts at a request, in seconds."""
        return self._transport.retry.longest_pause

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """The answers of all pages of a listing, from a cursor on if the query has one."""
        while True:
            page = self._transport.get(path, query)
            yield page
            if page.get("next_cursor") is None:
                return
            query = {**query, "cursor": page["next_cursor"]}

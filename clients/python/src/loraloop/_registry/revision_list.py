from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class RevisionList(Iterator[Item], Generic[Item]):
    """What all pages of a list hold, as of one revision; asked page by page, once."""

    def __init__(self, pages: Iterator[tuple[int, Iterable[Item]]]) -> None:
        self._pages = pages
        self._revision: int | None = None
        self._items: Iterator[Item] = iter(())

    @property
    def revision(self) -> int:
        """What the list shows: a watch after this revision tells what came since. Asks for the first page."""
        if self._revision is None:
            self._turn_page()
        assert self._revision is not None
        return self._revision

    def __next__(self) -> Item:
        while True:
            for item in self._items:
                return item
            self._turn_page()

    def _turn_page(self) -> None:
        self._revision, items = next(self._pages)
        self._items = iter(items)

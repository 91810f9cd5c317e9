"""Lists that come in pages, read whole or not at all."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

from collectors.errors import UnreadableError
from collectors.payload import MEND

PAGES_MAX: Final = 50
"""With a hundred rows each, as many as a snapshot may hold."""

TRIES: Final = 2
"""A list that moved under our hands is read again once."""

_Row = TypeVar("_Row")


async def read_pages(
    page: Callable[[int], Awaitable[tuple[list[_Row], int]]],
    *,
    size: int,
    identity: Callable[[_Row], Hashable],
    what: str,
) -> list[_Row]:
    """All rows. ``page`` reads one by its number (from 1) and says how many rows there are on all of them.

    UnreadableError where the pages do not add up to what they say: a part is never taken for the whole.
    """
    for attempt in range(TRIES):
        try:
            return await _read_once(page, size=size, identity=identity, what=what)
        except _MovedError:
            if attempt + 1 == TRIES:
                raise UnreadableError(f"{what}: the list kept changing while it was read.", MEND) from None
    raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


class _MovedError(Exception):
    pass


async def _read_once(
    page: Callable[[int], Awaitable[tuple[list[_Row], int]]],
    *,
    size: int,
    identity: Callable[[_Row], Hashable],
    what: str,
) -> list[_Row]:
    rows: list[_Row] = []
    expected: int | None = None
    for number in range(1, PAGES_MAX + 1):
        found, total = await page(number)
        if expected is not None and total != expected:
            raise _MovedError
        expected = total
        rows += found
        if len(rows) == total:
            if len({identity(row) for row in rows}) != len(rows):
                if number > 1:
                    raise _MovedError
                raise UnreadableError(f"{what}: a row stands twice.", MEND)
            return rows
        if len(rows) > total or len(found) != size:
            raise UnreadableError(f"{what}: {len(rows)} rows came, {total} were announced.", MEND)
    raise UnreadableError(f"{what}: more than {PAGES_MAX} pages.", MEND, reason="too_large")

"""A brake for exchanges that block an address after too many unauthorised calls in a row."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from collectors.errors import RefusedError

HELD_SECONDS: Final = 3600.0
"""With the brake on, one unproven key may try in this time, so that a mended one is found without a restart."""


class UnauthorisedGuard:
    """Counts unauthorised calls in a row, over all accounts of the process.

    A key that the exchange has accepted is never held back: its next success is what ends the row.
    """

    def __init__(self, limit: int | None, monotonic: Callable[[], float], title: str) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._title = title
        self._in_a_row = 0
        self._next_try = 0.0
        self._one_at_a_time = asyncio.Lock()

    def turn(self, *, proven: bool) -> AbstractAsyncContextManager[object]:
        """Unproven keys go one after the other, so that their refusals are counted before the next one tries."""
        return contextlib.nullcontext() if self._limit is None or proven else self._one_at_a_time

    def enter(self, *, proven: bool) -> None:
        """RefusedError, before anything is sent, where this call must not be risked."""
        if self._limit is None or proven or self._in_a_row < self._limit:
            return
        now = self._monotonic()
        if now < self._next_try:
            raise RefusedError(
                f"{self._title} refused {self._in_a_row} calls in a row, so this key is held back.",
                "Mend or remove the keys that are refused: the exchange blocks an address that goes on trying.",
                reason="held_back",
            )
        self._next_try = now + HELD_SECONDS

    def refused(self) -> None:
        """An unauthorised call came back."""
        self._in_a_row += 1
        if self._limit is not None and self._in_a_row == self._limit:
            self._next_try = self._monotonic() + HELD_SECONDS

    def accepted(self) -> None:
        """A signed call was accepted."""
        self._in_a_row = 0

"""What an exchange lists: read at the start and now and then, kept when it cannot be read."""

import asyncio
import random
from typing import TYPE_CHECKING

from collectors.client import Client
from collectors.errors import ExchangeError, UnreadableError
from collectors.pacing import Pacing, jittered, pause_after
from collectors.payload import MEND

if TYPE_CHECKING:
    from collectors.exchange import Listing


class ListingDesk:
    """The list of symbols as last read."""

    def __init__(self, client: Client, *, pacing: Pacing, chance: random.Random) -> None:
        self._client = client
        self._pacing = pacing
        self._chance = chance
        self._wanted = asyncio.Event()
        self.listing: Listing | None = None
        self.tried = asyncio.Event()
        """Set after the first try, whatever came of it: who would like the list, but can do without, waits for it."""
        self.error: ExchangeError | None = None

    def outdated(self) -> None:
        """A symbol of the list is unknown to the exchange: read it again soon."""
        self._wanted.set()

    async def run(self) -> None:
        """Keep the list for ever."""
        failures = 0
        while True:
            try:
                self.listing = await self._read()
            except ExchangeError as error:
                failures += 1
                self.error = error
                pause = pause_after(
                    error,
                    failures=failures,
                    interval=self._pacing.listing_gap,
                    pacing=self._pacing,
                    chance=self._chance,
                )
            else:
                failures = 0
                self.error = None
                pause = jittered(self._pacing.listing, self._pacing, self._chance)
                self._wanted.clear()
            finally:
                self.tried.set()
            if failures:
                await asyncio.sleep(pause)
                continue
            await self._rest(pause)

    async def _read(self) -> "Listing":
        exchange = self._client.exchange
        listing = await exchange.read_listing(self._client.conversation().call)
        if not listing.symbols:  # Believed, it would end all prices until the next reading, an hour later.
            raise UnreadableError(f"{exchange.title} listed no symbol at all.", MEND)
        return listing

    async def _rest(self, pause: float) -> None:
        gap = min(pause, self._pacing.listing_gap)
        await asyncio.sleep(gap)
        try:
            await asyncio.wait_for(self._wanted.wait(), max(0.0, pause - gap))
        except TimeoutError:
            return

"""From amounts that an exchange gave to the rows of a snapshot: no zero rows, no asset twice, nothing negative."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from collectors.errors import UnreadableError
from collectors.payload import MEND
from schemas.amounts import ZERO, AmountError, add, check_amount, multiply
from schemas.events import BALANCES_MAX, Balance, Mirror

UNMOVED: Final = (Decimal("0.9999"), Decimal("1.0001"))
"""A mirrored amount that changed by less, as parts of what it was, has only earned interest between two reads."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a wallet holds of one asset, read through a payload model: asset and amounts keep the contract's rules."""

    asset: str
    free: Decimal
    locked: Decimal
    mirror_of: Mirror | None = None


def balances(rows: Iterable[Amounts], *, what: str) -> tuple[Balance, ...]:
    """The rows of a snapshot. UnreadableError, naming ``what`` was read, where they cannot be one."""
    made: dict[str, Balance] = {}
    for row in rows:
        if not row.free and not row.locked:
            continue
        if row.asset in made:
            raise UnreadableError(f"{what}: an asset stands twice in one answer.", MEND)
        try:
            total = check_amount(add(row.free, row.locked)) if row.free and row.locked else row.free or row.locked
        except (AmountError, ArithmeticError):
            raise UnreadableError(f"{what}: an amount has too many digits to be exact.", MEND) from None
        # Asset and amounts were checked as they were read, so the row is not checked a second time: this is most of
        # what a poll costs. The snapshot's own constructor still holds every total to its parts.
        made[row.asset] = Balance.model_construct(
            asset=row.asset, free=row.free, locked=row.locked, total=total, mirror_of=row.mirror_of
        )
    if len(made) > BALANCES_MAX:
        raise UnreadableError(f"{what}: more than {BALANCES_MAX} assets in one wallet.", MEND, reason="too_large")
    return tuple(made.values())


def moved_mirrors(before: tuple[Balance, ...], after: tuple[Balance, ...]) -> set[str]:
    """The wallets that something was moved into or out of, as the rows that mirror them tell in two reads of another.

    Until those wallets are read too, what was moved is counted in neither place, or in both.
    """
    was, now = _mirrored(before), _mirrored(after)
    return {wallet for wallet, asset in was.keys() | now.keys() if _moved(was, now, (wallet, asset))}


def _mirrored(rows: tuple[Balance, ...]) -> dict[tuple[str, str], Decimal]:
    return {(row.mirror_of.wallet, row.mirror_of.asset): row.total for row in rows if row.mirror_of is not None}


def _moved(was: dict[tuple[str, str], Decimal], now: dict[tuple[str, str], Decimal], place: tuple[str, str]) -> bool:
    before, after = was.get(place, ZERO), now.get(place, ZERO)
    least, most = (multiply(before, share) for share in UNMOVED)
    return not least <= after <= most

"""From amounts that an exchange gave to the rows of a snapshot: no zero rows, no asset twice, nothing negative."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from collectors.errors import UnreadableError
from collectors.payload import MEND
from schemas.amounts import AmountError, add, check_amount
from schemas.events import BALANCES_MAX, Balance, Mirror


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
        raise UnreadableError(f"{what}: more than {BALANCES_MAX} assets in one wallet.", MEND)
    return tuple(made.values())

"""Whether a key that can do more than read is let in: no, unless the settings name each power. Pure."""

import re
from typing import Final

from collectors.errors import RefusedError
from collectors.exchange import KeyPermissions
from schemas.events import Permissions

UNVERIFIED: Final = Permissions(state="unverified")
FLAGS_MAX: Final = 50
"""No key has so many powers; a longer list would only fill the status event."""

_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9._-]")


def judge(
    found: KeyPermissions, allowed: frozenset[str], *, title: str, first: bool
) -> tuple[Permissions, RefusedError | None]:
    """What the status shows, and the refusal, if any. ``first``: a power we do not know refuses only at the start."""
    refusing = [flag for flag in found.powers if flag not in allowed]
    strange = [flag for flag in found.unknown if flag not in allowed]
    if first:
        refusing += strange
    flags = tuple(_name(flag) for flag in (*found.powers, *found.unknown))[:FLAGS_MAX]
    error = None
    if not found.reads:
        error = RefusedError(
            f"The key of {title} may not read.",
            "Give the key the permission to read, and no other.",
            reason="permission",
        )
    elif refusing:
        names = ", ".join(_name(flag) for flag in refusing[:FLAGS_MAX])
        error = RefusedError(
            f"The key of {title} can do more than read: {names}.",
            "Take these permissions from the key, or make a new read-only one; a setting can allow each by its name.",
            reason="too_strong",
        )
    state = "refused" if error is not None else "overridden" if flags else "read_only"
    return Permissions(state=state, flags=flags, ip_restricted=found.ip_restricted), error


def _name(flag: str) -> str:
    return _UNNAMEABLE.sub("_", flag)[:64] or "_"

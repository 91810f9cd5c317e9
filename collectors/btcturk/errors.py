"""BTCTurk's errors to our four (docs.btcturk.com, "Errors"; broker-api-docs, README-pro.md, FAQ.md and issues).

Authentication errors come with HTTP 401 and ``"success": true`` (issues 147, 149, 152, 160, 178, 231), so the status
decides, then ``code``. Of ``success`` only a false counts, since no answer that says so is a content.
"""

from typing import Final

from collectors.errors import ExchangeError, RefusedError, UnavailableError, UnreadableError
from collectors.exchange import Answer
from collectors.statuses import MEND_WAIT, rate_limited, retry_after_seconds

TITLE: Final = "BTCTurk"
UNAUTHORISED: Final = "1037"
SUCCESSES: Final = frozenset({"0", "SUCCESS"})
INTERNAL_ERRORS: Final = frozenset({"500", "503"})

_STAMP_WORDS: Final = ("nonce", "stamp")


def classify(answer: Answer) -> ExchangeError | None:
    """The error that an answer is; None for success, and where the status has the better sentence."""
    payload = answer.payload if isinstance(answer.payload, dict) else {}
    # A number in the docs, a word at times (as ccxt reads it); absent where an answer has no envelope.
    given = payload.get("code")
    code = str(given) if isinstance(given, int | str) else ""
    if answer.status == 429:
        return rate_limited(TITLE, retry_after_seconds(answer.status, answer.headers, answer.at_ms))
    if answer.status == 401 or (answer.status < 300 and code == UNAUTHORISED):
        return _unauthorised(payload.get("message"))
    if answer.status >= 300:
        return None
    if (given is None or code in SUCCESSES) and payload.get("success") is not False:
        return None
    if code in INTERNAL_ERRORS:
        return UnavailableError(f"{TITLE} has a trouble of its own.", MEND_WAIT, reason="trouble")
    return UnreadableError(
        f"{TITLE} answered with an error in what looks like a success.",
        "If it stays, the exchange changed its interface and an update is needed.",
    )


def _unauthorised(message: object) -> RefusedError:
    text = message.casefold() if isinstance(message, str) else ""
    if any(word in text for word in _STAMP_WORDS):
        return RefusedError(
            f"{TITLE} found the time stamp of a request to be wrong or used.",
            "The collector asks for BTCTurk's time and tries again; if it stays, set this machine's clock (NTP), and "
            "let no other program use this key.",
            reason="clock",
            cure="clock",
        )
    if "signature" in text:
        return RefusedError(
            f"{TITLE} refused the signature.",
            "The private key does not belong to the API key: copy both again.",
            reason="secret",
        )
    return RefusedError(
        f"{TITLE} refused the API key.",
        "Check at BTCTurk that the key exists, is of the REST kind, may view the account, and allows this machine's "
        "address.",
        reason="key_or_address",
    )

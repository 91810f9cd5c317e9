"""Reads balances with ccxt, an independent client, from the addresses it is given; runs in ccxt's own environment.

Standard input: {"exchange", "url", "key", "secret", "calls": [["fetchBalance", {...}] or ["raw method", {...}]]}.
Standard output: the list of results; amounts are kept as the texts that ccxt read.
"""

import json
import sys
from typing import Any

import ccxt


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    client = getattr(ccxt, order["exchange"])({"apiKey": order["key"], "secret": order["secret"]})
    client.number = str  # ccxt's own switch: no float ever touches an amount
    client.has["fetchCurrencies"] = False  # The list of networks: nothing to do with balances, and not simulated.
    client.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    move(client.urls, order["url"])
    results = []
    for name, arguments in order["calls"]:
        try:
            if name == "fetchBalance":
                answer = client.fetch_balance(arguments)
                results.append({kind: answer[kind] for kind in ("free", "used", "total")})
            else:
                results.append(getattr(client, name)(arguments))
        except ccxt.BaseError as error:
            results.append({"error": type(error).__name__, "message": str(error)})
    json.dump(results, sys.stdout)


def move(urls: dict[str, Any], base: str) -> None:
    """Point every address of the client at our server, keeping the paths."""
    for name, url in urls["api"].items():
        if isinstance(url, str) and url.startswith("http"):
            path = "/" + url.split("://", 1)[1].partition("/")[2]
            urls["api"][name] = base + path.rstrip("/")


if __name__ == "__main__":
    main()

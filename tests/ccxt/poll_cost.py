"""Reads a spot balance again and again with ccxt's asyncio client; prints the processor seconds of one read.

Standard input: {"url", "key", "secret", "rounds", "polls"}; one line of output per round.
"""

import asyncio
import json
import sys
import time
from typing import Any

import ccxt.async_support as ccxt


async def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    client = ccxt.binance({"apiKey": order["key"], "secret": order["secret"], "enableRateLimit": False})
    client.has["fetchCurrencies"] = False
    client.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    for name, url in client.urls["api"].items():
        if isinstance(url, str) and url.startswith("http"):
            client.urls["api"][name] = order["url"] + ("/" + url.split("://", 1)[1].partition("/")[2]).rstrip("/")
    await client.fetch_balance({"type": "spot"})
    for _ in range(order["rounds"]):
        began = time.process_time()
        for _ in range(order["polls"]):
            await client.fetch_balance({"type": "spot"})
        print((time.process_time() - began) / order["polls"], flush=True)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main())

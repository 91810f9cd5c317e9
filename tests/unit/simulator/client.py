"""A small client of both exchanges that signs by itself, so that tests do not lean on the simulator's own signer."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from simulator import Simulator

PATIENCE = aiohttp.ClientTimeout(total=5)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.last_stamp = 0

    async def send(self, method: str, url: str, **kwargs: Any) -> Answer:
        kwargs.setdefault("timeout", PATIENCE)
        async with self.session.request(method, URL(url, encoded=True), allow_redirects=False, **kwargs) as response:
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, await response.read())

    async def binance(self, path: str, query: str = "", method: str = "GET", **kwargs: Any) -> Answer:
        return await self.send(method, f"{self.sim.binance_url}{path}{'?' + query if query else ''}", **kwargs)

    async def signed(
        self,
        path: str,
        query: str = "",
        *,
        method: str = "GET",
        account: str = "main",
        timestamp: int | None = None,
        secret: str | None = None,
        key: str | None = None,
    ) -> Answer:
        one = self.sim.config.account("binance", account)
        stamp = urlencode({"timestamp": round(time.time() * 1000) if timestamp is None else timestamp})
        query = f"{query}&{stamp}" if query else stamp
        headers = {"X-MBX-APIKEY": key or one.api_key}
        return await self.binance(
            path, f"{query}&signature={sign_binance(secret or one.api_secret, query)}", method, headers=headers
        )

    async def btcturk(self, path: str, method: str = "GET", **kwargs: Any) -> Answer:
        return await self.send(method, self.sim.btcturk_url + path, **kwargs)

    def btcturk_headers(self, *, account: str = "main", stamp: int | None = None, secret: str | None = None) -> Any:
        one = self.sim.config.account("btcturk", account)
        self.last_stamp = max(round(time.time() * 1000), self.last_stamp + 1) if stamp is None else stamp
        signature = sign_btcturk(secret or one.api_secret, one.api_key, self.last_stamp)
        return {"X-PCK": one.api_key, "X-Stamp": str(self.last_stamp), "X-Signature": signature}

    async def balances(self, **kwargs: Any) -> Answer:
        return await self.btcturk("/api/v1/users/balances", headers=self.btcturk_headers(**kwargs))

    async def control(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Answer:
        if body is not None:
            kwargs["json"] = body
        return await self.send(method, self.sim.control_url + path, **kwargs)


def sign_binance(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def sign_btcturk(secret: str, key: str, stamp: int) -> str:
    mac = hmac.new(base64.b64decode(secret), f"{key}{stamp}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition holds, two seconds at most."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.001)

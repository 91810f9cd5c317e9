"""The control server: what the Python interface can do, as JSON over HTTP on a loopback port."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from simulator import control_bodies as bodies
from simulator.amounts import plain
from simulator.config import Holding
from simulator.jsontext import compact
from simulator.names import BINANCE, EXCHANGES, WALLETS, UnknownNameError
from simulator.server import LARGEST_BODY, Listener

if TYPE_CHECKING:
    from simulator.simulator import Simulator

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
BAD_REQUEST, FORBIDDEN, NOT_FOUND, MISDIRECTED, UNSUPPORTED = 400, 403, 404, 421, 415
MOST_DIGITS: Final = 9
WITH_BODY: Final = frozenset({"PUT", "PATCH", "POST"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Routes of the control server. Each reads its body, calls one method of the simulator, and answers."""

    def __init__(self, simulator: "Simulator") -> None:
        """Control `simulator`; nothing is opened."""
        self._sim = simulator
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash. Empty before the start."""
        return self._listener.url if self._listener else ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[_guard], client_max_size=LARGEST_BODY)
        app.add_routes(self._routes())
        self._listener = Listener(app)
        await self._listener.start(host, port)

    async def stop(self) -> None:
        """Stop. Can be called again."""
        if self._listener is not None:
            await self._listener.stop()

    def _routes(self) -> list[web.RouteDef]:
        wallet = "/balances/{exchange}/{account}/{wallet}"
        return [
            web.get("/health", self._health),
            web.get("/metrics", self._metrics),
            web.get("/state", self._state),
            web.get(wallet, self._balances),
            web.put(wallet, self._replace_balances),
            web.patch(wallet, self._merge_balances),
            web.put("/prices/{exchange}", self._prices),
            web.get("/faults", self._list_faults),
            web.post("/faults", self._inject),
            web.delete("/faults", self._clear_faults),
            web.delete("/faults/{id}", self._clear_fault),
            web.get("/requests", self._requests),
            web.delete("/requests", self._clear_requests),
            web.delete("/limits", self._clear_limits),
            web.put("/clock/{exchange}", self._clock),
            web.put("/permissions/{account}", self._permissions),
            web.put("/keys/{exchange}/{account}", self._key),
            web.post("/walk", self._walk),
            web.post("/step", self._step),
        ]

    async def _health(self, _request: web.Request) -> web.Response:
        return _json({"ok": True})

    async def _metrics(self, _request: web.Request) -> web.Response:
        lines = [
            "# HELP spark_simulator_requests_total Requests the simulated exchanges were sent, by status answered.",
            "# TYPE spark_simulator_requests_total counter",
        ]
        for (exchange, status), count in sorted(self._sim.request_counts().items()):
            lines.append(f'spark_simulator_requests_total{{exchange="{exchange}",status="{status}"}} {count}')
        body = ("\n".join(lines) + "\n").encode()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _state(self, _request: web.Request) -> web.Response:
        sim = self._sim
        urls = {"binance": sim.binance_url, "btcturk": sim.btcturk_url}
        exchanges = {
            name: {
                "url": urls[name],
                "clock_offset_ms": sim.clock_offset(name),
                "revoked": sim.revoked(name),
                "balances": {
                    account.label: {wallet: self._rows(name, account.label, wallet) for wallet in WALLETS[name]}
                    for account in sim.config.accounts.get(name, ())
                },
                "prices": {
                    symbol: {"last": plain(last), "open": plain(open_)}
                    for symbol, (last, open_) in sim.prices(name).items()
                },
            }
            for name in EXCHANGES
        }
        labels = [account.label for account in sim.config.accounts.get(BINANCE, ())]
        permissions = {label: sim.permissions(label) for label in labels}
        state = {"seed": sim.config.seed, "walking": sim.walking, "exchanges": exchanges}
        return _json({**state, "permissions": permissions, "faults": self._fault_rows()})

    def _rows(self, exchange: str, account: str, wallet: str) -> dict[str, dict[str, str]]:
        held = self._sim.holdings(exchange, account, wallet)
        return {asset: _parts(one) for asset, one in held.items() if one.total}

    def _wallet(self, request: web.Request) -> web.Response:
        return _json(self._rows(*_where(request)))

    async def _balances(self, request: web.Request) -> web.Response:
        return self._wallet(request)

    async def _replace_balances(self, request: web.Request) -> web.Response:
        where = _where(request)
        rows = bodies.holdings(await _body(request), where[0])
        # The whole body was read, so nothing is half replaced.
        self._sim.set_balances(*where, {})
        return self._put(request, rows)

    async def _merge_balances(self, request: web.Request) -> web.Response:
        return self._put(request, bodies.holdings(await _body(request), _where(request)[0]))

    def _put(self, request: web.Request, rows: dict[str, Holding]) -> web.Response:
        exchange, account, wallet = _where(request)
        for asset, one in rows.items():
            self._sim.set_balance(
                exchange, account, wallet, asset,
                free=one.free, locked=one.locked, freeze=one.freeze, withdrawing=one.withdrawing,
            )  # fmt: skip
        return self._wallet(request)

    async def _prices(self, request: web.Request) -> web.Response:
        exchange = request.match_info["exchange"]
        wanted = bodies.prices(await _body(request))
        for symbol in wanted:
            self._sim.price(exchange, symbol)
        for symbol, (last, open_) in wanted.items():
            self._sim.set_price(exchange, symbol, last, open_)
        return _json({symbol: plain(self._sim.price(exchange, symbol)) for symbol in wanted})

    def _fault_rows(self) -> list[dict[str, object]]:
        return [{"id": number, **fault.as_json(), "left": left} for number, fault, left in self._sim.faults()]

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json(self._fault_rows())

    async def _inject(self, request: web.Request) -> web.Response:
        return _json({"id": self._sim.inject(bodies.fault(await _body(request)))})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._sim.clear_faults(request.query.get("exchange"))
        return _json({"ok": True})

    async def _clear_fault(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
            raise UnknownNameError("fault", number, (one[0] for one in self._sim.faults()))
        self._sim.clear_fault(int(number))
        return _json({"ok": True})

    async def _requests(self, request: web.Request) -> web.Response:
        return _json([one.as_json() for one in self._sim.requests(request.query.get("exchange"))])

    async def _clear_requests(self, _request: web.Request) -> web.Response:
        self._sim.clear_requests()
        return _json({"ok": True})

    async def _clear_limits(self, request: web.Request) -> web.Response:
        self._sim.clear_limits(request.query.get("exchange"))
        return _json({"ok": True})

    async def _clock(self, request: web.Request) -> web.Response:
        exchange = request.match_info["exchange"]
        self._sim.set_clock_offset(exchange, bodies.whole(await _body(request), "offset_ms"))
        return _json({"offset_ms": self._sim.clock_offset(exchange)})

    async def _permissions(self, request: web.Request) -> web.Response:
        account = request.match_info["account"]
        self._sim.set_permissions(account, **bodies.flags(await _body(request)))
        return _json(self._sim.permissions(account))

    async def _key(self, request: web.Request) -> web.Response:
        exchange, account = request.match_info["exchange"], request.match_info["account"]
        valid = bodies.switch(await _body(request), "valid")
        (self._sim.restore if valid else self._sim.revoke)(exchange, account)
        return _json({"valid": valid})

    async def _walk(self, request: web.Request) -> web.Response:
        running = bodies.switch(await _body(request), "running")
        self._sim.walk(running=running)
        return _json({"running": running})

    async def _step(self, _request: web.Request) -> web.Response:
        self._sim.step()
        return _json({"ok": True})


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=compact(value).encode(), status=status, content_type="application/json")


def _error(status: int, sentence: str) -> web.Response:
    return _json({"error": sentence}, status)


def _parts(one: Holding) -> dict[str, str]:
    names = ("free", "locked", "freeze", "withdrawing")
    values = (one.free, one.locked, one.freeze, one.withdrawing)
    # The last two are shown only where there is something.
    return {name: plain(value) for name, value in zip(names, values, strict=True) if value or name in names[:2]}


def _where(request: web.Request) -> tuple[str, str, str]:
    found = request.match_info
    return found["exchange"], found["account"], found["wallet"]


async def _body(request: web.Request) -> dict[str, object]:
    try:
        content = json.loads(await request.read(), parse_float=Decimal)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        message = 'The body is not a JSON object: send one, such as {"running": true}.'
        raise ValueError(message)  # noqa: TRY004 - told to the caller as a 400
    return content


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let good calls in, and turn errors into sentences."""
    refused = _refused(request)
    if refused is not None:
        return refused
    try:
        return await handler(request)
    except UnknownNameError as error:
        return _error(NOT_FOUND, str(error))
    except ValueError as error:
        return _error(BAD_REQUEST, str(error))
    except web.HTTPException as error:
        return _error(error.status, f"{error.reason}: {request.method} {request.path} is not served here.")


def _refused(request: web.Request) -> web.Response | None:
    """Refuse all but programs on this machine.

    A page on the web can make a browser call a loopback port under a foreign name (DNS rebinding) or with a simple
    form; the Host, Origin and Content-Type checks stop both.
    """
    if not _is_loopback(f"//{request.host}"):
        return _error(MISDIRECTED, "The Host header must name this machine: use localhost or 127.0.0.1.")
    origin = request.headers.get("Origin")
    if origin is not None and not _is_loopback(origin):
        return _error(FORBIDDEN, "Calls from web pages are refused: call from a program.")
    if request.body_exists and request.method in WITH_BODY and request.content_type != "application/json":
        return _error(UNSUPPORTED, "The body must be JSON: send Content-Type: application/json.")
    return None


def _is_loopback(address: str) -> bool:
    try:
        return urlsplit(address).hostname in LOOPBACK_NAMES
    except ValueError:
        return False

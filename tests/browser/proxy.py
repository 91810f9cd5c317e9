"""A real server between the page and the api: it can be cut, stalled, and speak a contract the api does not know yet."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from tests.ports import free_port

Document = dict[str, Any]
Rewrite = Callable[[Document], Document]

HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}
DOCUMENTS: Final = ("/api/portfolio", "/api/portfolio/stream")


class Proxy:
    """Passes everything on. ``rewrite`` may change each document on its way."""

    def __init__(self, upstream: str, rewrite: Rewrite | None = None) -> None:
        self._upstream = upstream
        self.rewrite = rewrite
        self._port = free_port()
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._passing: set[asyncio.Task[Any]] = set()
        self.refused: set[str] = set()
        """Paths that something on the way does not let through."""
        self._kept: dict[str, asyncio.Event] = {}
        self.answers: dict[str, int] = {}
        """Paths that something on the way answers itself, with this status."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=True)
        await self.mend()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.flow()
        await self.cut()
        assert self._http is not None
        await self._http.close()

    async def mend(self) -> None:
        """Listen (again), on the same port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._accept)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()

    async def cut(self) -> None:
        """Close all connections and listen no more."""
        if self._runner is not None:
            for task in tuple(self._passing):
                task.cancel()
            await self._runner.cleanup()
            self._runner = None

    def stall(self) -> None:
        """Keep connections open and let nothing through: what a lost network looks like from inside a browser."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    def keep(self, path: str) -> None:
        """Let calls of this path through, and keep what is answered until it is given."""
        self._kept[path] = asyncio.Event()

    def give(self, path: str) -> None:
        """Give what was kept, and keep nothing more."""
        self._kept.pop(path).set()

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            return await self._pass(request)
        except (aiohttp.ClientError, ConnectionResetError):
            return web.Response(status=502)  # One of the two sides is gone.
        finally:
            self._passing.discard(task)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        await self._flowing.wait()
        if request.path in self.refused:
            return web.Response(status=502, text="a proxy in between has had enough")
        if (status := self.answers.get(request.path)) is not None:
            return web.json_response({"error": "in_between", "message": f"said with {status}"}, status=status)
        assert self._http is not None
        headers = {name: text for name, text in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["Accept-Encoding"] = "identity"
        if "Origin" in headers:  # The api takes writes from its own page alone, and this is it.
            headers["Origin"] = self._upstream
        url = self._upstream + request.raw_path
        async with self._http.request(
            request.method, url, headers=headers, data=await request.read(), allow_redirects=False
        ) as answer:
            kept = {name: text for name, text in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            if answer.content_type == "text/event-stream":
                return await self._stream(request, answer, kept)
            body = await answer.read()
            if (given := self._kept.get(request.path)) is not None:
                await given.wait()
            if request.path in DOCUMENTS and answer.status == 200:
                body = self._rewritten(body)
            return web.Response(status=answer.status, body=body, headers=kept)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        waiting = b""
        async for chunk in answer.content.iter_any():
            waiting += chunk
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                await self._flowing.wait()
                data = line.removeprefix(b"data: ")
                passed = line if data is line or data == line else b"data: " + self._rewritten(data)
                await response.write(passed + b"\n")
        return response

    def _rewritten(self, body: bytes) -> bytes:
        return body if self.rewrite is None else json.dumps(self.rewrite(json.loads(body))).encode()

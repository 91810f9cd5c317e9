import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from monitoring.clock import SystemClock
from monitoring.guards import SECURITY_HEADERS, AllowedHosts, BearerToken, host_name, is_loopback
from monitoring.health import Check, Readiness
from monitoring.metrics import ProcessMetrics
from monitoring.pulse import Pulse
from monitoring.server import ListenError, MonitoringServer, PortTakenError
from tests.http.support import until

TOKEN = "t" * 40


def make(
    readiness: Readiness | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    read_token: BearerToken | None = None,
) -> MonitoringServer:
    registry = CollectorRegistry()
    return MonitoringServer(
        host=host,
        port=port,
        registry=registry,
        readiness=readiness or Readiness(),
        metrics=ProcessMetrics(registry),
        clock=SystemClock(),
        read_token=read_token,
    )


@pytest.fixture
async def server() -> AsyncIterator[MonitoringServer]:
    running = make()
    await running.start()
    yield running
    await running.stop()


async def get(server: MonitoringServer, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(server.url + path, headers=headers) as answer:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
        return answer.status, await answer.text()


async def test_health_metrics_and_nothing_else(server: MonitoringServer) -> None:
    assert await get(server, "/health") == (200, '{"ok": true}')
    code, text = await get(server, "/metrics")
    assert code == 200
    assert "spark_process_loop_lag_seconds" in text
    assert (await get(server, "/nothing"))[0] == 404


async def test_ready_names_the_parts_that_are_not() -> None:
    readiness = Readiness()
    answer = Check(ready=False, reason="loading")
    readiness.add("bus", lambda: answer)
    server = make(readiness)
    await server.start()
    assert await get(server, "/ready") == (503, '{"ready": false, "reasons": {"bus": "loading"}}')
    answer = Check(ready=True)
    assert await get(server, "/ready") == (200, '{"ready": true}')
    answer = Check(ready=True, warning="only in memory")
    assert await get(server, "/ready") == (200, '{"ready": true, "warnings": {"bus": "only in memory"}}')
    await server.stop()


async def test_foreign_hosts_are_refused(server: MonitoringServer) -> None:
    for path in ("/health", "/ready", "/metrics", "/nothing"):
        assert (await get(server, path, Host="evil.example"))[0] == 421


async def test_a_read_token_guards_all_but_health() -> None:
    server = make(read_token=BearerToken(TOKEN, setting="READ_TOKEN"))
    await server.start()
    assert (await get(server, "/health"))[0] == 200
    assert (await get(server, "/metrics"))[0] == 401
    assert (await get(server, "/metrics", Authorization=f"Bearer {TOKEN}"))[0] == 200
    await server.stop()


async def test_also_answers_that_are_not_ours_name_no_versions(server: MonitoringServer) -> None:
    code, text = await get(server, "/metrics", Expect="nonsense")  # It checks the headers.
    assert code == 417
    assert "aiohttp" not in text


async def test_it_listens_where_it_is_told_and_nowhere_else(server: MonitoringServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    listener = server._server._listener
    assert listener is not None
    assert [sock.getsockname()[0] for sock in listener.sockets] == ["127.0.0.1"]


def test_beyond_loopback_a_read_token_is_needed() -> None:
    with pytest.raises(ValueError, match="READ_TOKEN"):
        make(host="0.0.0.0")  # noqa: S104 - the very thing that is refused


async def test_a_taken_port_has_its_own_sentence(server: MonitoringServer) -> None:
    port = int(server.url.rpartition(":")[2])
    second = make(port=port)
    with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken.*METRICS_PORT"):
        await second.start()
    await second.stop()


async def test_an_address_that_is_not_ours_is_named() -> None:
    other = make(host="192.0.2.1", read_token=BearerToken(TOKEN, setting="READ_TOKEN"))
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
        await other.start()


async def test_it_stops_at_once_with_idle_clients(server: MonitoringServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readline()
    async with asyncio.timeout(2):
        await server.stop()
        await server.stop()
        await reader.read()
    writer.close()
    await writer.wait_closed()


class LateClock:
    """A clock after which the loop always woke 1.5 s late."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self):
        raise AssertionError("the pulse asks for no calendar")

    def monotonic(self) -> float:
        self._seconds += 2.0
        return self._seconds


async def test_the_pulse_shows_how_late_the_loop_woke(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr("monitoring.pulse.PULSE_SECONDS", 0.001)
    pulse = Pulse(ProcessMetrics(registry), LateClock())
    pulse.start()
    await until(lambda: (registry.get_sample_value("spark_process_loop_lag_seconds") or 0) > 1.9)
    await pulse.stop()
    await pulse.stop()


class ScriptedClock(LateClock):
    """Says these moments, then the last one."""

    def __init__(self, *moments: float) -> None:
        self._moments = list(moments)

    def monotonic(self) -> float:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


async def test_the_longest_lag_is_shown_for_longer_than_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr("monitoring.pulse.PULSE_SECONDS", 0.001)
    clock = ScriptedClock(0.0, 2.001, 31.0, 31.001, 32.0, 32.002)
    pulse = Pulse(ProcessMetrics(registry), clock)
    shown = []
    gauge = pulse._metrics.loop_lag
    monkeypatch.setattr(gauge, "set", lambda value: shown.append(round(value, 3)))
    pulse.start()
    await until(lambda: len(shown) >= 3)
    await pulse.stop()
    assert shown[:3] == [2.0, 2.0, 0.001]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("LocalHost:1", "localhost"),
        ("[::1]:4001", "[::1]"),
        ("a.b-c", "a.b-c"),
        ("", None),
        ("a:b", None),
        ("a b", None),
        ("a/b", None),
        ("user@localhost", None),
        ("::1", None),
        ("localhost:1:2", None),
        ("lo\u212aalhost", None),
    ],
)
def test_host_headers_are_read_strictly(header: str, name: str | None) -> None:
    assert host_name(header) == name


def test_the_bound_address_is_its_own_name() -> None:
    assert AllowedHosts(bound="192.168.1.5").allows("192.168.1.5:4001")
    assert AllowedHosts(bound="fd00::5").allows("[fd00::5]:4001")
    assert not AllowedHosts(bound="0.0.0.0").allows("0.0.0.0")  # noqa: S104 - no name of anything
    assert AllowedHosts(["fd00::7", "nas.local:4001"]).allows("[fd00::7]")
    assert AllowedHosts(["nas.local:4001"]).allows("nas.local")


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_one_host_header_and_no_other_number(hosts: list[str]) -> None:
    refusal = AllowedHosts().judge("/health", hosts)
    assert refusal is not None
    assert refusal.status == 400
    assert AllowedHosts().judge("/health", ["localhost"]) is None


def test_what_is_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.9", "::1", "[::1]")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")] == [False] * 5  # noqa: S104


def test_tokens_match_whole_or_not_at_all() -> None:
    token = BearerToken(TOKEN, setting="READ_TOKEN")
    assert token.matches([f"Bearer {TOKEN}"])
    assert token.matches([f"bearer {TOKEN}"])
    for wrong in ([], [""], ["Bearer"], [TOKEN], [f"Basic {TOKEN}"], [f"Bearer {TOKEN}t"], [f"Bearer {TOKEN}"] * 2):
        assert not token.matches(wrong)

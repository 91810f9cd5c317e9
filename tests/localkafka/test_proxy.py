"""The proxy cuts, swallows and delays, as a plain client and Kafka's own see it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Self

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from localkafka import Proxy
from tests.kafka_fixtures import ProxiedBroker
from tests.localkafka.test_broker import consume, create, produce
from tests.ports import free_port


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that sends back what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    made = Proxy(server.sockets[0].getsockname()[1])
    await made.start()
    yield made
    await made.stop()
    server.close()


class Client:
    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def echo(self, data: bytes, within: float = 5.0) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), within)


async def test_bytes_pass_whole_and_in_order(proxy: Proxy):
    data = bytes(range(256)) * 8192
    async with Client(proxy) as client:
        assert await client.echo(data) == data
        assert proxy.connections == 1


async def test_a_cut_resets_and_refuses_until_restored(proxy: Proxy):
    async with Client(proxy) as client:
        await client.echo(b"1")
        await proxy.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(client.reader.read(1), 5)
    assert proxy.connections == 0
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.restore()
    async with Client(proxy) as client:
        assert await client.echo(b"2") == b"2"


async def test_a_black_hole_accepts_and_is_silent_then_delivers(proxy: Proxy):
    async with Client(proxy) as old:
        await old.echo(b"1")
        proxy.blackhole()
        async with Client(proxy) as new:
            for client in (old, new):
                with pytest.raises(TimeoutError):
                    await client.echo(b"2", within=0.2)
            await proxy.restore()
            for client in (old, new):
                assert await asyncio.wait_for(client.reader.readexactly(1), 5) == b"2"


async def test_a_black_hole_can_be_cut(proxy: Proxy):
    proxy.blackhole()
    async with Client(proxy) as client:
        with pytest.raises(TimeoutError):
            await client.echo(b"1", within=0.1)
        await proxy.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(client.reader.read(1), 5)


async def test_a_delay_is_latency_not_a_bound_on_throughput(proxy: Proxy):
    proxy.delay(0.2)
    data = bytes(4 << 20)
    async with Client(proxy) as client:
        began = time.monotonic()
        assert await client.echo(data, within=20) == data
        took = time.monotonic() - began
    assert 0.4 <= took < 4.0, took  # 64 chunks one after the other would take 25 s.


async def test_a_dead_target_ends_the_connection_but_behind_a_black_hole_nobody_learns_of_it():
    proxy = Proxy(free_port())
    await proxy.start()
    proxy.blackhole()
    async with Client(proxy) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.2)
        await proxy.restore()
        assert await asyncio.wait_for(client.reader.read(1), 5) == b""
    await proxy.stop()


async def test_clients_of_the_proxy_are_cut_off_while_the_test_is_not(proxied_broker: ProxiedBroker):
    one, proxy = proxied_broker
    await create(one.bootstrap, "a")
    async with AIOKafkaProducer(bootstrap_servers=proxy.bootstrap, request_timeout_ms=1000) as producer:
        await producer.send_and_wait("a", b"1", partition=0)
        await proxy.cut()
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.send_and_wait("a", b"lost", partition=0), 10)
        await produce(one.bootstrap, "a", b"2")
        await proxy.restore()
        await asyncio.wait_for(producer.send_and_wait("a", b"3", partition=0), 10)
    assert await consume(one.bootstrap, "a") == [b"1", b"2", b"3"]

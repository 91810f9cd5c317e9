import pytest

from localkafka import Broker, Proxy
from tests.contract.bus.harness import HARNESSES, Harness, Kafka, LackingError


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(what): something that a bus may lack; see tests/contract/bus/harness.py")


async def on_kafka(request: pytest.FixtureRequest) -> tuple[str, str, Proxy | None]:
    """The run's broker; one of the test's own, behind a proxy, where the way to it is to be closed."""
    prefix = request.getfixturevalue("topic_prefix")
    if not any(marker.args[0] == "stall" for marker in request.node.iter_markers("needs")):
        return request.getfixturevalue("kafka"), prefix, None
    broker = Broker(request.getfixturevalue("tmp_path") / "kafka")
    proxy = broker.proxied()
    await broker.start()
    await proxy.start()
    request.node.own_broker = broker
    return proxy.bootstrap, prefix, proxy


@pytest.fixture(params=HARNESSES)
async def harness(request: pytest.FixtureRequest, tmp_path):
    kind = HARNESSES[request.param]
    for marker in request.node.iter_markers("needs"):
        reason = kind.lacks.get(marker.args[0])
        if reason is not None:
            request.applymarker(pytest.mark.xfail(raises=LackingError, reason=reason, strict=True))
    made = Kafka(tmp_path, *await on_kafka(request)) if kind is Kafka else kind(tmp_path)
    await made.open()
    yield made
    await made.close()
    if broker := getattr(request.node, "own_broker", None):
        await broker.close()


@pytest.fixture
def bus(harness: Harness):
    return harness.bus

import pytest

from tests.contract.bus.harness import HARNESSES, Harness, LackingError


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(what): something that a bus may lack; see tests/contract/bus/harness.py")


@pytest.fixture(params=HARNESSES)
async def harness(request: pytest.FixtureRequest, tmp_path):
    kind = HARNESSES[request.param]
    for marker in request.node.iter_markers("needs"):
        reason = kind.lacks.get(marker.args[0])
        if reason is not None:
            request.applymarker(pytest.mark.xfail(raises=LackingError, reason=reason, strict=True))
    made: Harness = kind(tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def bus(harness: Harness):
    return harness.bus

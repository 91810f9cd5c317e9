"""The real server against its own document: whatever is sent, the answers are those it promises."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from api.settings import ApiLimits
from tests.http.support import ADMIN_TOKEN, MovedClock, running_api
from tests.unit.api.states import sample, status

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class HurriedClock(MovedClock):
    """A clock on which a minute passes between any two requests, so that the rate limit lets all writes through."""

    def monotonic(self) -> float:
        self.move(60)
        return super().monotonic()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An api in a thread of its own, since schemathesis asks synchronously."""
    up, end = threading.Event(), asyncio.Event()
    found: dict[str, object] = {}

    async def serve() -> None:
        limits = ApiLimits(refresh_seconds=0.01)
        async with running_api(admin_token=SecretStr(ADMIN_TOKEN), clock=HurriedClock(), limits=limits) as api:
            await api.publish(sample(), status())
            found.update(url=api.url, loop=asyncio.get_running_loop())
            up.set()
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(10)
    yield str(found["url"])
    found["loop"].call_soon_threadsafe(end.set)  # type: ignore[attr-defined]
    thread.join(10)
    assert not thread.is_alive()


def test_every_answer_is_as_promised(server: str) -> None:
    document = schemathesis.openapi.from_url(f"{server}/api/openapi.json")
    asked: list[str] = []
    for found in document.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/portfolio/stream":
            continue  # It has no end; its own tests read it.
        asked.append(operation.label)

        @given(st.one_of(operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode))
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})

        ask()
    # Its own description is left out by schemathesis itself.
    assert len(asked) == len(document.raw_schema["paths"]) - 2

"""The api of these tests: real, on loopback, with a clock that the test moves."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tests.http.support import ADMIN_TOKEN, READ_TOKEN, Api, running_api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def admin_api() -> AsyncIterator[Api]:
    async with running_api(admin_token=SecretStr(ADMIN_TOKEN)) as running:
        yield running


@pytest.fixture
async def guarded_api() -> AsyncIterator[Api]:
    async with running_api(admin_token=SecretStr(ADMIN_TOKEN), read_token=SecretStr(READ_TOKEN)) as running:
        yield running

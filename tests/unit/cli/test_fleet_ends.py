"""Which end of a process ends the others: a wrong setting does, a role that moved to another machine does not."""

import asyncio

import pytest

from bus.kafka_settings import KafkaSettings
from cli.child import Child, how_it_ended
from cli.exits import Exit, ExitError
from cli.fleet import Fleet
from cli.settings.core import CoreSettings
from cli.settings.load import Settings
from tests.ports import free_port


class Scripted(Child):
    """Ends when it is told to, with the code that it is given."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [], {})
        self.code: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    async def run(self) -> Exit:
        return await self.code

    def end(self) -> None:
        super().end()
        if not self.code.done():
            self.code.set_result(Exit.CLEAN)


def fleet() -> tuple[Fleet, list[Scripted]]:
    core = CoreSettings(api_port=free_port(), metrics_port=None)
    settings = Settings(core, {}, KafkaSettings("127.0.0.1:9"))
    made = Fleet(settings, environment={}, level="info", demo_port=None, stop=asyncio.Event())
    children = [Scripted(name) for name in ("collector acme", "aggregator", "api")]
    made._roles = list(children)
    for child in children:
        made._run(child)
    return made, children


async def settled(made: Fleet, child: Child) -> None:
    await asyncio.wait({made._tasks[child]}, timeout=5)


async def test_a_replaced_role_leaves_the_others_alone() -> None:
    made, (collector, _, api) = fleet()
    ended = asyncio.create_task(made.wait())
    collector.code.set_result(Exit.REPLACED)
    await settled(made, collector)
    await asyncio.wait({ended}, timeout=0)
    assert not ended.done()
    assert not api.ending
    ended.cancel()
    assert await made.stop() == Exit.CLEAN, "what is left ended well"


async def test_it_ends_with_4_only_when_nothing_is_left() -> None:
    made, children = fleet()
    for child in children:
        assert not made._ended.done()
        child.code.set_result(Exit.REPLACED)
        await settled(made, child)
    with pytest.raises(ExitError, match="done by other processes now") as error:
        await made.wait()
    assert error.value.code == Exit.REPLACED
    await made.stop()


async def test_replaced_while_it_is_told_to_end_is_a_clean_end() -> None:
    made, children = fleet()
    for child in children:
        Child.end(child)
        child.code.set_result(Exit.REPLACED)
        await settled(made, child)
    assert await made.stop() == Exit.CLEAN
    assert not made._ended.done()


@pytest.mark.parametrize("code", [Exit.WRONG_USE, Exit.NOT_AUTHORISED])
async def test_what_a_person_must_mend_ends_all(code: Exit) -> None:
    made, children = fleet()
    children[1].code.set_result(code)
    with pytest.raises(ExitError, match=r"aggregator cannot go on \(.*\), so all end") as error:
        await made.wait()
    assert error.value.code == code
    assert await made.stop() == code


def test_a_signal_is_told_as_one() -> None:
    assert how_it_ended(-9) == {"how": "killed by signal 9"}
    assert how_it_ended(1) == {"exit_code": 1}
    assert how_it_ended(None) == {"exit_code": None}

"""States between the page and its server: gone, guarded, newer than the page, or without its bus."""

from tests.browser.stage import READER, Stage
from tests.browser.states.scene import Scene, usual
from tests.browser.states.usual import demo
from tests.flow.test_truth import priced


async def api_gone(stage: Stage) -> Scene:
    """The system is stopped while the page is open."""
    scene = await demo(stage)
    assert scene.system is not None
    scene.after = scene.system.stop
    scene.breaks_network = True
    return scene


async def read_token(stage: Stage) -> Scene:
    """Readers must show a token, and none has been given yet."""
    scene = await usual(await stage.start(read_token=READER))
    scene.token = READER
    scene.statuses = frozenset({401})
    scene.understood = False
    scene.says = ("readToken.title", "readToken.text")
    return scene


async def newer_schema(stage: Stage) -> Scene:
    """The server was updated while this page is an old one: it speaks a version that the page does not know."""
    system = await stage.start()
    document = await system.until(priced)
    proxy = await stage.proxy(system.url, lambda said: {**said, "schemaVersion": 2, "totals": "what a newer one says"})
    return Scene(proxy.url, document, system, understood=False, says=("unsupported.title",))


async def bus_away(stage: Stage) -> Scene:
    """The bus was lost while all was well: what is shown was known then. (Only a Kafka could be lost in earnest.)"""
    system = await stage.start()
    document = await system.until(priced)
    bus = {"state": "degraded", "since": document["updatedAt"], "reason": "Kafka does not answer: connection refused"}
    proxy = await stage.proxy(system.url, lambda said: {**said, "bus": bus})
    return Scene(proxy.url, {**document, "bus": bus}, system, says=("bus.known",))


async def bus_never_there(stage: Stage) -> Scene:
    """The api runs, and the Kafka it was told of does not."""
    url = await stage.program("api", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    document = await stage.until(url, lambda said: said["bus"]["state"] == "degraded")
    return Scene(url, document, says=("bus.unknown",))

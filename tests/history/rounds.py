"""Rounds of SIGKILL at random moments of random processes, on a real broker, over a world that moves; then the checker.

``make kill-rounds`` (ROUNDS, SEED): prints what was done and found, and fails on any finding. A run that found
something leaves its whole history behind, to be checked again by ``python -m tests.history.rounds FILE``.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from bus.interface import PublishError
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from localkafka import BlockingBroker
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.encoding import encode
from schemas.events import Balance, BalanceSnapshot
from simulator import Simulator, demo_config
from tests.history.checker import check
from tests.history.fleet import Fleet, Member, NotReadyError
from tests.history.history import Acked, History
from tests.history.reading import Finding
from tests.history.recorder import ApiRecorder, LogRecorder

ROUNDS = 50
READY_SECONDS = 30.0
QUIET_SECONDS = 2.0
QUIET_PATIENCE_SECONDS = 20.0
KILL_AFTER_SECONDS_MAX = 1.5
PAUSE_SECONDS_MAX = 1.0
IMPATIENT_SHARE = 0.25
"""So often the next kill does not wait for the killed to be ready again: it may hit one that is still loading."""

TWO_AT_ONCE_SHARE = 0.2
PROBE = "probe"
PROBE_SECONDS = 0.2


class Probe:
    """A writer of its own portfolio that knows what was acknowledged: the processes' own acknowledgements nobody sees."""

    def __init__(self, bus: KafkaBus, history: History) -> None:
        self._bus = bus
        self._history = history
        self._epoch = int(time.time() * 1000) * 1024
        self._seq = 0

    async def run(self) -> None:
        while True:
            await self.publish()
            await asyncio.sleep(PROBE_SECONDS)

    async def publish(self) -> None:
        """One snapshot, whose amount is its number."""
        self._seq += 1
        now = SystemClock().now()
        amount = Decimal(self._seq)
        event = BalanceSnapshot(
            epoch=self._epoch, seq=self._seq, published_at=now, portfolio=PROBE, exchange="binance", account="main",
            wallet="spot", observed_at=now, requested_at=now, cause="poll", poll_interval_seconds=10.0,
            balances=(Balance(asset="BTC", free=amount, locked=Decimal(0), total=amount),),
        )  # fmt: skip
        fact = encode(event)
        try:
            await self._bus.publish([fact])
        except PublishError:
            return
        self._history.acked.append(Acked(fact.topic.name, fact.key, event.version, time.time()))


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    seed: int
    rounds: int
    seconds: float = 0.0
    members: list[Member] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    history: History = field(default_factory=History)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.rounds} rounds in {self.seconds:.0f} s, seed {self.seed}"
        yield f"  {'process':<20}{'kills':>6}{'ready p50':>12}{'ready max':>12}"
        for one in self.members:
            times = one.ready_seconds or [float("nan")]
            yield f"  {one.name:<20}{one.kills:>6}{statistics.median(times):>10.2f} s{max(times):>10.2f} s"
        history = self.history
        yield (
            f"  {len(history.records)} records, {len(history.answers)} answers, "
            f"{len(history.acked)} publishes known to be acknowledged, {len(history.texts)} logs and metrics"
        )
        rules = {
            rule: sum(one.rule == rule for one in self.findings) for rule in sorted({f.rule for f in self.findings})
        }
        yield f"  findings: {', '.join(f'{count} of {rule}' for rule, count in rules.items()) or 'none'}"
        for rule in rules:
            shown = [one for one in self.findings if one.rule == rule]
            yield from (f"    {one}" for one in shown[:5])
            if len(shown) > 5:
                yield f"    ... and {len(shown) - 5} more of {rule}"


async def run(rounds: int, seed: int, bootstrap: str, prefix: str, folder: Path) -> Report:
    """A whole run on a broker that is there. Raises where the processes do not even start."""
    report = Report(seed, rounds)
    history = report.history
    chance = random.Random(seed)
    began = time.monotonic()
    world = replace(demo_config(seed=seed), walk_seconds=0.25)
    bus = KafkaBus(
        KafkaSettings(bootstrap, topic_prefix=prefix), BusMetrics(CollectorRegistry()), SystemClock(), client_id="probe"
    )
    async with Simulator(world) as sim, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        fleet = Fleet(folder, bootstrap, prefix, sim)
        history.secrets = tuple(fleet.secrets)
        report.members = list(fleet.members.values())
        log = LogRecorder(history, bootstrap, prefix)
        api = ApiRecorder(history, fleet.members["api"].url, ("main", PROBE))
        probe = Probe(bus, history)
        probing: asyncio.Task[None] | None = None
        try:
            await bus.start()
            await log.start()
            await fleet.start(session)
            await fleet.all_ready(READY_SECONDS)
            sim.walk(running=True)
            probing = asyncio.create_task(probe.run(), name="probe")
            await api.start()
            try:
                for number in range(rounds):
                    await _round(number, fleet, session, chance)
                    await _metrics(fleet, api)
                await fleet.all_ready(READY_SECONDS)
            except NotReadyError as error:
                report.findings.append(Finding("process", str(error), "its log"))
            sim.walk(running=False)
            probing.cancel()
            await _quiet(fleet, log, history, report)
            await _metrics(fleet, api)
            await api.stop()
            await _stop(fleet, ("aggregator", "api"), report)
            await log.stop()
        finally:
            if probing is not None:
                probing.cancel()
                await asyncio.gather(probing, return_exceptions=True)
            await fleet.kill_all()
            await api.stop()
            await bus.stop()
    history.texts += [member.said() for member in report.members]
    for member in report.members:
        report.findings += [Finding("process", f"{member.name} {what}", "its log") for what in member.unexpected]
    report.findings += check(history)
    report.seconds = time.monotonic() - began
    return report


async def _round(number: int, fleet: Fleet, session: aiohttp.ClientSession, chance: random.Random) -> None:
    names = list(fleet.members)
    # Each is the first victim equally often; when it is hit is chance.
    victims = [names[number % len(names)]]
    if chance.random() < TWO_AT_ONCE_SHARE:
        victims.append(chance.choice([name for name in names if name not in victims]))
    await asyncio.sleep(chance.uniform(0, KILL_AFTER_SECONDS_MAX))
    await asyncio.gather(*(fleet.members[name].kill() for name in victims))
    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS_MAX))
    for name in victims:
        await fleet.members[name].start(session)
    if chance.random() >= IMPATIENT_SHARE:
        await fleet.all_ready(READY_SECONDS)


async def _metrics(fleet: Fleet, api: ApiRecorder) -> None:
    for member in fleet.members.values():
        if member.ready:
            for path in ("/metrics", "/ready", "/health"):
                await api.text(member.url + path)


async def _quiet(fleet: Fleet, log: LogRecorder, history: History, report: Report) -> None:
    """No inputs any more: the collectors end, and what they said last is worked out and served."""
    await _stop(fleet, ("collector-binance", "collector-btcturk"), report)
    began = time.time()
    async with asyncio.timeout(QUIET_PATIENCE_SECONDS):
        count = -1
        while count != _inputs(history):
            await log.drain()
            count = _inputs(history)
            await asyncio.sleep(QUIET_SECONDS)
            await log.drain()
    history.quiet.append((began, time.time()))


def _inputs(history: History) -> int:
    return sum(record.topic in {"spark.balances", "spark.prices", "spark.collectors"} for record in history.records)


async def _stop(fleet: Fleet, names: tuple[str, ...], report: Report) -> None:
    codes = await asyncio.gather(*(fleet.members[name].stop() for name in names))
    for name, code in zip(names, codes, strict=True):
        if code != 0:
            report.findings.append(Finding("process", f"{name} ended with {code} on SIGTERM", "its log"))


def keep_evidence(report: Report, folder: Path) -> Path:
    """Write the history beside the logs."""
    path = folder / "history.jsonl.gz"
    report.history.save(path)
    return path


def main(arguments: list[str]) -> int:
    """As a command: a run, or the check of a history that a run left."""
    if arguments:
        findings = check(History.load(Path(arguments[0])))
        print("\n".join(map(str, findings)) or "no finding")
        return bool(findings)
    rounds = int(os.environ.get("ROUNDS") or ROUNDS)
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"{rounds} rounds of SIGKILL; to do the same again: make kill-rounds ROUNDS={rounds} SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="spark-kill-rounds-"))
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    broker = None if given else BlockingBroker(folder / "kafka")
    try:
        if broker is not None:
            broker.start()
        bootstrap = given or (broker.bootstrap if broker is not None else "")
        report = asyncio.run(run(rounds, seed, bootstrap, f"kill{uuid.uuid4().hex[:8]}.", folder))
    finally:
        if broker is not None:
            broker.kill()
            broker.wipe()
    print("\n".join(report.lines()))
    if report.findings:
        print(f"evidence: {keep_evidence(report, folder)}, and the processes' logs beside it")
    return bool(report.findings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`spark-portfolio topics`: makes what is missing, verifies the rest, shows what is there, sets right when told to."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bus.interface import BusError
from bus.kafka_settings import KafkaSettings
from bus.kafka_topics import TopicAdmin, TopicReport
from cli.apart import AGGREGATOR_PORT
from cli.check_kafka import sentence_of
from cli.exits import Exit, ExitError
from cli.lags import Lag, lags_of
from cli.policies import Difference, policy, wanted_policy, wrong_settings
from cli.run import exit_of
from cli.settings.load import Settings, secret
from collectors.spec import ExchangeSpec

SHOWN_SECONDS = 10.0
"""For a topic that was made to be known to the broker that is asked."""

LOOK_SECONDS = 0.1


async def run_topics(settings: Settings, specs: Sequence[ExchangeSpec], *, reconcile: bool, as_json: bool) -> Exit:
    """Print it; CLEAN where all is right, WRONG_USE with each wrong setting and its mend where something is not."""
    if settings.kafka is None:
        raise ExitError(
            Exit.WRONG_USE,
            "there are no topics without Kafka: set KAFKA_BOOTSTRAP_SERVERS (without it, up runs all in one process "
            "and needs no topics)",
        )
    done, reports = await _administer(settings.kafka, reconcile=reconcile)
    lags = await lags_of(_addresses(settings, specs), secret(settings.core.read_token), settings.kafka)
    if as_json:
        print(json.dumps(_document(done, reports, lags), ensure_ascii=False, indent=2))
    else:
        _show(done, reports, lags)
    return Exit.WRONG_USE if any(report.problems or not report.exists for report in reports) else Exit.CLEAN


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to the topics: those that were made, and what was set right in others."""

    made: Sequence[str]
    set_right: Sequence[tuple[str, Difference]] = ()


async def _administer(kafka: KafkaSettings, *, reconcile: bool) -> tuple[Done, list[TopicReport]]:
    try:
        async with TopicAdmin(kafka, client_id="spark-topics") as admin:
            made = await admin.create_missing()
            set_right: Sequence[tuple[str, Difference]] = ()
            if reconcile:
                before = wrong_settings(await admin.problems())
                after = wrong_settings(await admin.reconcile())
                set_right = [one for one in before if one not in after]
            ends_at = asyncio.get_running_loop().time() + SHOWN_SECONDS
            while True:
                try:
                    reports = await admin.describe()
                except BusError:
                    if not made or asyncio.get_running_loop().time() > ends_at:
                        raise
                else:
                    if all(report.exists for report in reports) or asyncio.get_running_loop().time() > ends_at:
                        return Done([kafka.topic(name) for name in made], set_right), reports
                await asyncio.sleep(LOOK_SECONDS)
    except BusError as error:
        raise ExitError(exit_of(error), sentence_of(error)) from error


def _addresses(settings: Settings, specs: Sequence[ExchangeSpec]) -> list[tuple[str, int]]:
    core = settings.core
    ports = [core.metrics_port] if core.metrics_port else [AGGREGATOR_PORT, *(spec.metrics_port for spec in specs)]
    return [*((core.metrics_host, port) for port in ports), (core.api_host, core.api_port)]


def records(report: TopicReport) -> int:
    """At most so many: what compaction has taken away leaves holes in the offsets."""
    return sum(end - begin for begin, end in report.offsets)


def _document(done: Done, reports: Sequence[TopicReport], lags: Sequence[Lag]) -> dict[str, Any]:
    return {
        "ok": all(report.exists and not report.problems for report in reports),
        "made": list(done.made),
        "set_right": [
            {"topic": topic, "setting": one.setting, "was": one.is_now, "is": one.wanted}
            for topic, one in done.set_right
        ],
        "topics": [
            {
                "name": report.name,
                "exists": report.exists,
                "partitions": report.partitions,
                "policy": policy(report),
                "policy_wanted": wanted_policy(report),
                "records_at_most": records(report),
                "begin_offsets": [begin for begin, _ in report.offsets],
                "end_offsets": [end for _, end in report.offsets],
                "size_bytes": report.size_bytes,
                "problems": [{"what": problem.what, "mend": problem.mend} for problem in report.problems],
            }
            for report in reports
        ],
        "readers": [{"process": lag.process, "reader": lag.reader, "lag_records": lag.records} for lag in lags],
    }


def _show(done: Done, reports: Sequence[TopicReport], lags: Sequence[Lag]) -> None:
    out = Console(highlight=False)
    table = Table(expand=False)
    table.add_column("topic", no_wrap=True)
    table.add_column("partitions", justify="right")
    table.add_column("keeps", no_wrap=True)
    table.add_column("records ≤", justify="right")
    table.add_column("size", justify="right")
    table.add_column("")
    for report in reports:
        wrong = bool(report.problems) or not report.exists
        state = (
            "made now"
            if report.name in done.made
            else "missing"
            if not report.exists
            else "wrong"
            if wrong
            else "right"
        )
        size = "?" if report.size_bytes is None else _size(report.size_bytes)
        table.add_row(
            Text(report.name),
            str(report.partitions),
            _kept(report),
            f"{records(report):,}",
            size,
            Text("wrong" if report.problems else state, style="red" if wrong else "green"),
        )
    out.print(table)
    for topic, one in done.set_right:
        line = f"✓ {topic}: set right: {one.setting} was {one.is_now or 'not set'} and is {one.wanted}"
        out.print(Text(line, style="green"), soft_wrap=True)
    for report in reports:
        for problem in report.problems:
            out.print(Text(f"✗ {problem.topic}: {problem.what}", style="red"), soft_wrap=True)
            out.print(Text(f"    → {problem.mend}"), soft_wrap=True)
    if lags:
        behind = Table(title="Processes of this machine on these topics", title_justify="left", expand=False)
        behind.add_column("process")
        behind.add_column("reader")
        behind.add_column("records behind", justify="right")
        for lag in lags:
            behind.add_row(Text(lag.process), Text(lag.reader), f"{lag.records:,}")
        out.print(behind)


def _kept(report: TopicReport) -> str:
    is_now, wanted = policy(report), wanted_policy(report)
    return is_now if is_now == wanted else f"{is_now}\n(must be: {wanted})"


def _size(size: int) -> str:
    return f"{size / 1024:,.0f} KB" if size < 10 * 1024 * 1024 else f"{size / 1024 / 1024:,.0f} MB"

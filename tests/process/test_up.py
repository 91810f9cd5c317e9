"""`spark-portfolio up` as a person runs it: the demo, its end, and what is said when it cannot start."""

import asyncio
import json
import signal
import socket
import time
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from tests.ports import free_port


def both_fresh(answer: dict) -> bool:
    accounts = answer.get("accounts", [])
    return (
        {account["exchange"] for account in accounts} == {"binance", "btcturk"}
        and all(account["status"] == "fresh" for account in accounts)
        and {wallet["wallet"] for account in accounts for wallet in account["wallets"]}
        >= {"spot", "funding", "earn-flexible", "earn-locked"}
    )


async def test_the_demo_is_complete_within_15_seconds_and_ends_cleanly(program, until) -> None:
    demo = await program().start("up", "--demo")
    answer = await until(demo, "/api/portfolio", both_fresh)
    assert time.monotonic() - demo.started_at < 15
    assert answer["demo"] is True
    assert answer["totals"]["totalUsd"] > 0
    parts = sum(Decimal(str(account["totals"]["totalUsd"])) for account in answer["accounts"])
    assert abs(parts - Decimal(str(answer["totals"]["totalUsd"]))) <= Decimal("0.01")
    before = time.monotonic()
    assert await demo.interrupt() == 0
    assert time.monotonic() - before < 5
    lines = [json.loads(line) for line in demo.err.splitlines()]
    assert lines, "into a pipe it prints log lines"
    assert "reader is" not in demo.out, "a log line goes where the logs go"
    assert not [line for line in lines if line["level"] in {"error", "critical"}]
    assert demo.url in demo.out
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # Past connections may linger in the kernel.
        probe.bind(("127.0.0.1", demo.port))  # Nothing is left running on it.


async def test_sigterm_ends_it_cleanly_too(program, until) -> None:
    demo = await program().start("up", "--demo")
    await until(demo, "/health", lambda answer: answer == {"ok": True})
    demo.signal(signal.SIGTERM)
    assert await demo.ended(6) == 0


async def test_a_log_never_shows_the_admin_token(program, until) -> None:
    demo = await program().start("up", "--demo", ADMIN_TOKEN="canary-token-" + "7" * 32)
    await until(demo, "/api/portfolio", both_fresh)
    await demo.interrupt()
    assert "canary-token" not in demo.out + demo.err


async def test_the_metrics_show_the_customers_five(program, until, http: aiohttp.ClientSession) -> None:
    demo = await program().start("up", "--demo")
    await until(demo, "/api/portfolio", both_fresh)
    async with http.get(demo.url + "/metrics") as response:
        text = await response.text()
    for name in (
        'spark_portfolio_refresh_latency_ms_bucket{exchange="binance"',
        'spark_exchange_api_error_total{exchange="btcturk",kind="unavailable"} 0.0',
        'spark_portfolio_total_value_usd{exchange="binance"}',
        'spark_portfolio_asset_count{exchange="btcturk"}',
        'spark_portfolio_last_update_timestamp{exchange="binance"}',
    ):
        assert name in text


async def test_without_keys_it_runs_and_names_what_is_missing(program, until) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    empty = await program().start("up", BINANCE_REST_URL=nobody, BTCTURK_REST_URL=nobody)
    answer = await until(
        empty,
        "/api/portfolio",
        lambda answer: {source["state"] for source in answer["sources"]} == {"unconfigured"},
    )
    assert (answer["accounts"], answer["totals"]["totalUsd"]) == ([], None), "unknown is not zero"
    assert await empty.interrupt() == 0
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BTCTURK_API_KEY", "BTCTURK_API_SECRET_BASE64"):
        assert name in empty.out
    assert "Enable Reading" in empty.out
    assert "Bakiye Görüntüleme" in empty.out


async def test_a_taken_port_has_its_own_sentence(program) -> None:
    one = program()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", one.port))
        holder.listen()
        await one.start("up", "--demo")
        assert await one.ended(10) == 2
    assert str(one.port) in one.err
    assert "API_PORT" in one.err
    assert "Traceback" not in one.err


@pytest.mark.parametrize("role", [["collector", "binance"], ["aggregator"], ["api"]])
async def test_a_role_alone_says_that_it_needs_kafka(program, role: list[str]) -> None:
    one = await program().start(*role)
    assert await one.ended(10) == 2
    assert "KAFKA_BOOTSTRAP_SERVERS" in one.err
    assert "Traceback" not in one.err


async def test_an_unknown_collector_is_told_the_known_ones(program) -> None:
    one = await program().start("collector", "binanse")
    assert await one.ended(10) == 2
    assert "binance, btcturk" in one.err


async def test_token_prints_one_that_is_long_enough(program) -> None:
    one = await program().start("token")
    assert await one.ended(10) == 0
    assert len(one.out.strip()) >= 32


async def test_wrong_settings_are_listed_and_end_it(program) -> None:
    one = program()
    (one.folder / ".env").write_text("BINANCE_API_KY=x\n")
    await one.start("up")
    assert await one.ended(10) == 2
    assert "did you mean BINANCE_API_KEY?" in one.err


async def test_an_env_file_that_was_named_and_is_not_there_is_named(program) -> None:
    one = await program().start("up", "--env-file", "nosuch.env")
    assert await one.ended(10) == 2
    assert "there is no env file nosuch.env" in one.err


async def test_what_was_put_right_in_the_settings_is_logged_as_all_else(program, until) -> None:
    one = program()
    keys = "BINANCE_REST_URL=http://127.0.0.1:9\r\nBINANCE_API_KEY=abcdef\r\nBINANCE_API_SECRET=abcdef\r\n"
    (one.folder / ".env").write_bytes(keys.encode() + b"BTCTURK_REST_URL=http://127.0.0.1:9\r\n")
    (one.folder / ".env").chmod(0o600)
    await one.start("up")
    await until(one, "/health", lambda answer: answer == {"ok": True})
    assert await one.interrupt() == 0
    assert "CRLF" in "".join(json.loads(line)["event"] for line in one.err.splitlines())
    assert "CRLF" not in one.out


async def test_ctrl_c_in_the_middle_of_the_start_is_a_clean_end_too(program) -> None:
    one = program()
    (one.folder / "slow").mkdir()
    # The moment is not left to luck: it is while the system is imported.
    (one.folder / "slow" / "sitecustomize.py").write_text(
        "import sys, os, signal\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'cli.embedded':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
    )
    await one.start("up", "--demo", PYTHONPATH=str(one.folder / "slow"))
    assert await one.ended(10) == 0, one.err
    assert "Traceback" not in one.err


async def test_an_impatient_second_ctrl_c_after_the_end_changes_nothing(program, until) -> None:
    one = program()
    (one.folder / "late").mkdir()
    (one.folder / "late" / "sitecustomize.py").write_text(
        "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
    )
    await one.start("up", "--demo", PYTHONPATH=str(one.folder / "late"))
    await until(one, "/health", lambda answer: answer == {"ok": True})
    assert await one.interrupt() == 0
    assert "KeyboardInterrupt" not in one.err


async def test_a_check_that_was_interrupted_is_no_good_check(program) -> None:
    one = program()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        await one.start("check", BINANCE_REST_URL=url, BINANCE_API_KEY="abcdef", BINANCE_API_SECRET="abcdef")
        asked, _ = await asyncio.to_thread(silent.accept)
        with asked:
            assert await one.interrupt() == 1


async def test_a_check_does_not_say_that_reading_goes_on(program) -> None:
    closed = "http://127.0.0.1:9"
    one = await program().start("check", "--json", BINANCE_REST_URL=closed, BTCTURK_REST_URL=closed)
    assert await one.ended(10) == 1
    lines = {line["subject"]: line for line in json.loads(one.out)["lines"]}
    assert lines["binance"]["outcome"] == "error"
    assert "goes on by itself" not in one.out


async def test_schemas_says_which_folder_it_cannot_write(program) -> None:
    one = program()
    (one.folder / "file").touch()
    await one.start("schemas", "file")
    assert await one.ended(10) == 1
    assert one.err.startswith("file cannot be written")


@pytest.mark.parametrize("port", ["0", "65534", "70000"])
async def test_the_simulator_names_the_ports_it_can_take(program, port: str) -> None:
    one = await program().start("simulator", "--port", port)
    assert await one.ended(10) == 2
    assert "--port" in one.err
    assert "Traceback" not in one.err


def test_the_env_template_is_the_one_of_the_settings(tmp_path: Path) -> None:
    from cli.settings.template import render_template
    from cli.specs import specs

    template = Path(__file__).parents[2] / ".env.template"
    assert template.read_text(encoding="utf-8") == render_template(specs()), "run: make template"

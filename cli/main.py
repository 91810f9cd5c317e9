"""The command line of Spark Portfolio."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.exits import Exit, ExitError
from cli.export import write_contract
from cli.settings.load import ENV_FILE, Settings, load_settings
from cli.settings.template import render_template
from cli.specs import specs
from collectors.spec import ExchangeSpec
from monitoring.logs import configure_logs

TOKEN_BYTES: Final = 32

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted crypto portfolio that is always true and always live.",
)


def _there(path: Path) -> Path:
    """Only the default may be missing: a name that a person wrote is a file that he expects to be read."""
    if path != ENV_FILE and not path.exists():
        raise ExitError(Exit.WRONG_USE, f"there is no env file {path}: correct its name, or leave --env-file out")
    return path


EnvFile = Annotated[
    Path,
    typer.Option("--env-file", callback=_there, help="Where the settings are; the environment goes before it."),
]


def main() -> None:
    """Run the command line; errors meant for people end it with their sentence and exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # Windows consoles: ✓, ₺ and the like
    try:
        app()
    except ExitError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(int(error.code)) from None
    finally:
        # All is stopped: an impatient second Ctrl-C must not turn the exit code into a death by signal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def settings_or_exit(env_file: Path, exchanges: Sequence[ExchangeSpec]) -> Settings:
    """The settings with those of the exchanges, or an end with every error and its mend."""
    loaded = load_settings(exchanges, env_file, os.environ)
    if loaded.settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    return loaded.settings


def _run(main_coroutine: Callable[[], Coroutine[Any, Any, Exit]], *, interrupted: Exit) -> None:
    """Run to the end. ``interrupted`` is what Ctrl-C means: for what runs until it, the end; else an unfinished job."""
    try:
        code = asyncio.run(main_coroutine())
    except KeyboardInterrupt:
        code = interrupted
    sys.stdout.flush()
    raise typer.Exit(int(code))


@app.command()
def up(
    *,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Simulated exchanges instead of real ones; on Kafka, in topics of their own (demo.…)."
        ),
    ] = False,
    env_file: EnvFile = ENV_FILE,
) -> None:
    """Run everything until Ctrl-C: in one process, or on Kafka (KAFKA_BOOTSTRAP_SERVERS) with one for each role."""

    async def run() -> Exit:  # The import is the longest part of the start: Ctrl-C counts during it too.
        from cli.up import run_up  # noqa: PLC0415 - the other commands start faster without the whole system

        return await run_up(specs(), demo=demo, env_file=env_file, environment=dict(os.environ))

    _run(run, interrupted=Exit.CLEAN)


Child = Annotated[bool, typer.Option("--child", hidden=True, help="End when standard input ends.")]


@app.command()
def collector(
    name: Annotated[str, typer.Argument(help="The exchange whose accounts are read.")],
    *,
    env_file: EnvFile = ENV_FILE,
    child: Child = False,
) -> None:
    """Run the collector of one exchange as a process of its own."""
    spec = {spec.name: spec for spec in specs()}.get(name)
    if spec is None:
        known = ", ".join(spec.name for spec in specs())
        raise ExitError(Exit.WRONG_USE, f"there is no collector {name!r}: it is one of {known}")
    _apart("collector", env_file, child=child, spec=spec)


@app.command()
def aggregator(*, env_file: EnvFile = ENV_FILE, child: Child = False) -> None:
    """Run the aggregator as a process of its own."""
    _apart("aggregator", env_file, child=child)


@app.command()
def api(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Say in every answer that the exchanges are simulated.")] = False,
    env_file: EnvFile = ENV_FILE,
    child: Child = False,
) -> None:
    """Run the API as a process of its own."""
    _apart("api", env_file, child=child, demo=demo)


def _apart(role: str, env_file: Path, *, child: bool, spec: ExchangeSpec | None = None, demo: bool = False) -> None:
    async def run() -> Exit:  # As above: Ctrl-C counts during the import too.
        from cli.apart import Order, run_apart  # noqa: PLC0415 - as above

        order = Order(role, spec, demo=demo)
        return await run_apart(order, all_specs=specs(), env_file=env_file, environment=dict(os.environ), child=child)

    _run(run, interrupted=Exit.CLEAN)


@app.command()
def simulator(
    *,
    port: Annotated[
        int,
        typer.Option(min=1, max=65535 - 2, help="The port of the control interface; the exchanges take the next two."),
    ] = 4020,
    seed: Annotated[int, typer.Option(help="The world: the same seed, the same balances, prices and movements.")] = 7,
    child: Child = False,
) -> None:
    """Run the simulated exchanges as a process of their own, to develop and test against."""
    from cli.simulate import run_simulator  # noqa: PLC0415 - as above

    _run(lambda: run_simulator(specs(), port=port, seed=seed, child=child), interrupted=Exit.CLEAN)


@app.command()
def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    env_file: EnvFile = ENV_FILE,
) -> None:
    """Check settings, keys and what they may do, clocks and reachability; say what to do for each failure."""
    from cli.check import run_check  # noqa: PLC0415 - as above

    configure_logs("error", "console", [])
    _run(lambda: run_check(load_settings(specs(), env_file, os.environ), as_json=as_json), interrupted=Exit.ERROR)


@app.command()
def topics(
    *,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Set wrong settings of topics right.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    env_file: EnvFile = ENV_FILE,
) -> None:
    """Make the topics that are missing on Kafka, verify all, show what is in them; say the mend for what is wrong."""
    from cli.topics import run_topics  # noqa: PLC0415 - as above

    configure_logs("warning", "console", [])
    settings = settings_or_exit(env_file, ())
    _run(lambda: run_topics(settings, specs(), reconcile=reconcile, as_json=as_json), interrupted=Exit.ERROR)


@app.command(name="schemas")
def export_schemas(
    folder: Annotated[
        Path | None, typer.Argument(help="Where they are written; otherwise schemas/json and schemas/asyncapi.json.")
    ] = None,
) -> None:
    """Write the JSON Schema of every event, and the AsyncAPI document of the topics."""
    try:
        for path in write_contract(folder):
            typer.echo(path)
    except OSError as error:
        raise ExitError(
            Exit.ERROR,
            f"{folder or 'schemas'} cannot be written ({error.strerror}): name a folder that this user may write to",
        ) from error


@app.command()
def forget(
    account: Annotated[str, typer.Argument(help="EXCHANGE/LABEL of the account to retire.")],
    portfolio: Annotated[str, typer.Option(help="The portfolio it counted to.")] = "main",
    env_file: EnvFile = ENV_FILE,
) -> None:
    """Retire an account: it and its balances disappear from the portfolio."""
    from cli.forget import run_forget  # noqa: PLC0415 - as above

    configure_logs("warning", "console", [])
    settings = settings_or_exit(env_file, specs())
    _run(lambda: run_forget(settings, account, portfolio), interrupted=Exit.ERROR)


@app.command()
def token() -> None:
    """Print a new admin or read token."""
    typer.echo(secrets.token_urlsafe(TOKEN_BYTES))


@app.command(name="env-template", hidden=True)
def env_template() -> None:
    """Print the env template, made from the settings."""
    typer.echo(render_template(specs()), nl=False)

"""Refreshes that come expired are dropped, and an operator learns of it: mostly it is a clock that is wrong."""

import datetime as dt

from structlog.testing import capture_logs

from collectors.refresh import CommandDesk
from schemas.events import RefreshCommand

AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def command(seconds: float) -> RefreshCommand:
    expires = AT + dt.timedelta(seconds=seconds)
    return RefreshCommand(epoch=1, seq=1, published_at=AT, id="c", portfolio="main", exchange="x", expires_at=expires)


def test_an_expired_refresh_is_told_of_once_until_one_comes_in_time() -> None:
    handed: list[RefreshCommand] = []
    desk = CommandDesk("x", lambda: AT, handed.append)
    with capture_logs() as logs:
        for seconds in (-50.0, -40.0, 10.0, -30.0):
            desk.command(command(seconds))
    assert handed == [command(10.0)]
    assert [log["late_seconds"] for log in logs] == [50.0, 30.0]

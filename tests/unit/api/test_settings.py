import pytest
from pydantic import SecretStr

from api.guards import RateLimit
from api.settings import ApiSettings
from tests.http.support import MovedClock


@pytest.mark.parametrize("setting", ["admin_token", "read_token"])
@pytest.mark.parametrize("token", ["", "x" * 31])
def test_short_tokens_are_refused_by_name_and_not_shown(setting: str, token: str) -> None:
    with pytest.raises(ValueError, match=setting.upper()) as error:
        ApiSettings(**{setting: SecretStr(token)})
    assert "xxx" not in str(error.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "portfolio.local"])  # noqa: S104 - refused
def test_other_addresses_need_a_read_token(host: str) -> None:
    with pytest.raises(ValueError, match="READ_TOKEN"):
        ApiSettings(host=host)
    ApiSettings(host=host, read_token=SecretStr("r" * 32))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    ApiSettings(host=host)


def test_wrong_hosts_and_ports_are_named() -> None:
    with pytest.raises(ValueError, match="ALLOWED_HOSTS"):
        ApiSettings(allowed_hosts=("http://x/",))
    with pytest.raises(ValueError, match="API_PORT"):
        ApiSettings(port=70_000)


def test_secrets_do_not_show() -> None:
    settings = ApiSettings(admin_token=SecretStr("s" * 40))
    assert "ssss" not in repr(settings)


def test_tries_are_counted_per_peer_and_in_all() -> None:
    clock = MovedClock()
    rate = RateLimit(clock)
    for peer in ("a", "b", "c"):
        assert [rate.take(peer) for _ in range(10)] == [0.0] * 10
        assert rate.take(peer) == 60.0
    assert rate.take("d") == 60.0
    clock.move(60)
    assert rate.take("d") == 0.0

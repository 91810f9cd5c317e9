"""Settings: what a person may write wrong is found, named with its line, and told how to mend. No secret is shown."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.settings.load import Loaded, load_settings
from cli.settings.values import is_placeholder, parse_env_text
from collectors.spec import CredentialSpec, ExchangeSpec, PollSpec, UrlSpec

ACME = ExchangeSpec(
    name="acme",
    title="Acme",
    credentials=(
        CredentialSpec("API_KEY", "The key."),
        CredentialSpec("API_SECRET", "The secret.", base64=True),
        CredentialSpec("WS_API_KEY", "For streams.", optional=True),
    ),
    urls=(
        UrlSpec("REST_URL", "https://api.acme.example", "REST."),
        UrlSpec("WS_URL", "wss://ws.acme.example/v3", "Stream.", whole=True),
    ),
    polls=(PollSpec("SPOT", ("spot",), 10.0), PollSpec("EARN", ("earn-flexible", "earn-locked"), 60.0)),
    key_guide="Make a key that only reads.",
    metrics_port=4999,
    flags=("canTrade", "canWithdraw"),
)
SECRET = base64.b64encode(b"0123456789abcdef").decode()
KEYS = {"ACME_API_KEY": "key-1", "ACME_API_SECRET": SECRET}


def load(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None) -> Loaded:
    env_file = tmp_path / ".env"
    if text:
        env_file.write_bytes(text.encode())
        env_file.chmod(0o600)
    return load_settings([ACME], env_file, environment or {})


def only_error(loaded: Loaded) -> str:
    assert loaded.settings is None
    assert len(loaded.errors) == 1, loaded.errors
    return f"{loaded.errors[0].message} -> {loaded.errors[0].mend}"


def test_nothing_set_is_fine_and_has_the_documented_defaults(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.settings is not None
    core = loaded.settings.core
    assert (core.api_host, core.api_port, core.usd_pegs) == ("127.0.0.1", 4001, ("USDT",))
    assert loaded.settings.account_count == 0
    acme = loaded.settings.exchanges["acme"]
    assert acme.urls == {"REST_URL": "https://api.acme.example", "WS_URL": "wss://ws.acme.example/v3"}
    assert acme.poll_seconds == {"spot": 10.0, "earn-flexible": 60.0, "earn-locked": 60.0}


def test_the_main_account_and_accounts_by_label(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        f"ACME_API_KEY=k1\nACME_API_SECRET={SECRET}\n"
        f"ACME__MY_SAVINGS__API_KEY=k2\nACME__MY_SAVINGS__API_SECRET={SECRET}\n"
        "ACME__MY_SAVINGS__PORTFOLIO=family\nACME__MY_SAVINGS__ALLOW_FLAGS=canTrade\n",
    )
    assert loaded.settings is not None, loaded.errors
    main, savings = loaded.settings.exchanges["acme"].accounts
    assert (main.label, main.portfolio) == ("main", "main")
    assert (savings.label, savings.portfolio, savings.allowed_flags) == ("my_savings", "family", {"canTrade"})
    assert savings.credentials["API_KEY"].get_secret_value() == "k2"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "API_PORT=5000\n", {"API_PORT": "6000"})
    assert loaded.settings is not None
    assert loaded.settings.core.api_port == 6000


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ACME_API_KY=x", "did you mean ACME_API_KEY?"),
        ("API_PROT=1", "did you mean API_PORT?"),
        ("TOPICPREFIX=x", "TOPICPREFIX (.env:1) is no setting -> did you mean TOPIC_PREFIX?"),
        ("ACMEAPI_KEY=x", "did you mean ACME_API_KEY?"),
        ("KAFKA_SERVERS=x", "did you mean KAFKA_BOOTSTRAP_SERVERS?"),
        ("ACME_API_KEY=k", "ACME_API_SECRET is missing"),
        (f"ACME_API_SECRET={SECRET}", "ACME_API_KEY is missing"),
        ("ACME_API_KEY=k\nACME_API_SECRET=%%%", "is not base64"),
        (f"ACME_API_KEY=k k\nACME_API_SECRET={SECRET}", "spaces or strange letters"),
        (f"ACME_API_KEY=<your key>\nACME_API_SECRET={SECRET}", "placeholder"),
        (f'ACME_API_KEY="k\nACME_API_SECRET={SECRET}', "a quote at one end"),
        ("API_PORT=1\nAPI_PORT=2", "stands twice"),
        ("just some text", "line 1 of .env is not NAME=value"),
        ("API_PORT=99999", "API_PORT (.env:1)"),
        ("API_PORT=", ""),
        ("ADMIN_TOKEN=short", "at least 32 characters"),
        ("acme_api_key=k", "acme_api_key (.env:1) is no setting -> did you mean ACME_API_KEY?"),
        ("API_HOST=0.0.0.0", "READ_TOKEN"),
        ("ACME_REST_URL=ftp://x", "is no https address"),
        ("ACME_REST_URL=http://api.acme.example", "unencrypted"),
        ("ACME_REST_URL=https://api.acme.example/v1", "has a path"),
        ("ACME_SPOT_POLL_SECONDS=fast", "is no number of seconds"),
        ("ACME_SPOT_POLL_SECONDS=nan", "is no number of seconds"),
        ("ACME_SPOT_POLL_SECONDS=0.1", "is no number of seconds"),
        ("USD_PEGS=usdt!", "a peg is an asset's code"),
        ("ALLOWED_HOSTS=*", "a host is a plain name"),
        (f"ACME_API_KEY=k\nACME_API_SECRET={SECRET}\nACME_ALLOW_FLAGS=canFly", "'canFly' is no permission"),
        (f"ACME_API_KEY=k\nACME_API_SECRET={SECRET}\nACME_PORTFOLIO=Mine!", "'Mine!' is no name for a portfolio"),
        (
            f"ACME_API_KEY=k\nACME_API_SECRET={SECRET}\nACME__B__API_KEY=k\nACME__B__API_SECRET={SECRET}",
            "counted twice",
        ),
        ("ACME_WS_API_KEY=k", "stands without the account's own key"),
    ],
)
def test_what_is_wrong_is_named_with_its_mend(tmp_path: Path, text: str, named: str) -> None:
    loaded = load(tmp_path, text + "\n")
    if not named:
        assert loaded.settings is not None
    else:
        assert named in only_error(loaded)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("\ufeffAPI_PORT=5000\n", "byte order mark"),
        ("API_PORT=5000\r\nLOG_LEVEL=debug\r\n", "CRLF"),
        ("API_PORT=5000   \n", "spaces around its value"),
        ('API_PORT="5000"\n', "quotes around its value"),
    ],
)
def test_what_can_be_put_right_is_put_right_and_named(tmp_path: Path, text: str, named: str) -> None:
    loaded = load(tmp_path, text)
    assert loaded.settings is not None, loaded.errors
    assert loaded.settings.core.api_port == 5000
    assert any(named in finding.message for finding in loaded.findings)


def test_an_unknown_name_in_the_environment_is_a_warning(tmp_path: Path) -> None:
    loaded = load(tmp_path, environment={"ACME_API_KY": "x", "SOMEBODY_ELSES": "y", "LOG_DIR": "z"})
    assert loaded.settings is not None
    assert [finding.name for finding in loaded.findings] == ["ACME_API_KY"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_PASSWORD", "KAFKA_SASL_PASSWORD"),
        ("KAFKA_PASSWORD_FILE", "KAFKA_SASL_PASSWORD"),
        ("METRICS_PROT", "METRICS_PORT"),
        ("METRIC_PORT", "METRICS_PORT"),
        ("TOPIC_PREFX", "TOPIC_PREFIX"),
        ("TOPICPREFIX", "TOPIC_PREFIX"),
        ("API_PROT", "API_PORT"),
        ("ACME_API_SECRT", "ACME_API_SECRET"),
    ],
)
def test_a_misspelt_name_in_the_environment_is_warned_of_with_the_right_one(
    tmp_path: Path, name: str, meant: str
) -> None:
    loaded = load(tmp_path, environment={name: "x"})
    assert loaded.settings is not None
    (finding,) = loaded.findings
    assert (finding.severity, finding.name, finding.mend) == ("warning", name, f"did you mean {meant}?")


@pytest.mark.parametrize(
    "name",
    [
        "KAFKA_HOME",
        "KAFKA_OPTS",
        "KAFKA_HEAP_OPTS",
        "KAFKA_LOG4J_OPTS",
        "KAFKA_JMX_OPTS",
        "API_URL",
        "LOG_DIRS",
        "PATH",
    ],
)
def test_names_of_other_programs_are_none_of_our_business(tmp_path: Path, name: str) -> None:
    assert not load(tmp_path, environment={name: "x"}).findings


def test_a_name_in_the_file_that_is_nearly_ours_is_a_warning_only(tmp_path: Path) -> None:
    loaded = load(tmp_path, "KAFAK_BOOTSTRAP_SERVERS=x\nOTHER_PROGRAM=y\n")
    assert loaded.settings is not None
    assert [finding.mend for finding in loaded.findings] == ["did you mean KAFKA_BOOTSTRAP_SERVERS?"]


def test_no_message_shows_a_value(tmp_path: Path) -> None:
    canary = "canary-3f9a"
    text = f"ACME_API_KEY='{canary}\nACME_API_SECRET={canary}\n{canary}\nADMIN_TOKEN={canary}\nAPI_PORT={canary}\n"
    loaded = load(tmp_path, text)
    assert len(loaded.errors) >= 4
    assert canary not in str(loaded.findings)


def test_settings_never_print_a_secret(tmp_path: Path) -> None:
    loaded = load(tmp_path, environment={**KEYS, "ADMIN_TOKEN": "t" * 40})
    assert loaded.settings is not None
    assert SECRET not in repr(loaded.settings)
    assert "t" * 40 not in repr(loaded.settings)
    assert set(loaded.settings.secrets()) == {"key-1", SECRET, "t" * 40}


class TestSecretFiles:
    def write(self, path: Path, text: str, mode: int = 0o600) -> Path:
        path.write_text(text)
        path.chmod(mode)
        return path

    def load(self, tmp_path: Path, path: Path) -> Loaded:
        return load(tmp_path, environment={"ACME_API_KEY": "k", "ACME_API_SECRET_FILE": str(path)})

    def test_bom_and_line_end_are_taken_off(self, tmp_path: Path) -> None:
        loaded = self.load(tmp_path, self.write(tmp_path / "secret", f"\ufeff{SECRET}\n"))
        assert loaded.settings is not None, loaded.errors
        assert loaded.settings.exchanges["acme"].accounts[0].credentials["API_SECRET"].get_secret_value() == SECRET

    @pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
    def test_a_file_others_can_read_is_refused_with_its_mode(self, tmp_path: Path) -> None:
        loaded = self.load(tmp_path, self.write(tmp_path / "secret", SECRET, 0o644))
        assert any("mode 0644" in error.message for error in loaded.errors)

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        loaded = self.load(tmp_path, self.write(tmp_path / "secret", " \n"))
        assert any("is empty" in error.message for error in loaded.errors)

    @pytest.mark.parametrize("text", ["one\ntwo", "a\x00b"])
    def test_a_secret_is_one_line(self, tmp_path: Path, text: str) -> None:
        loaded = self.load(tmp_path, self.write(tmp_path / "secret", text))
        assert any("more than one line" in error.message for error in loaded.errors)

    def test_a_placeholder_in_a_file_is_found(self, tmp_path: Path) -> None:
        loaded = self.load(tmp_path, self.write(tmp_path / "secret", "<your secret>"))
        assert any("placeholder" in error.message for error in loaded.errors)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        loaded = self.load(tmp_path, tmp_path / "nowhere")
        assert any("cannot be read" in error.message for error in loaded.errors)

    def test_a_link_is_followed_within_its_folder_only(self, tmp_path: Path) -> None:
        inside, outside = tmp_path / "in", tmp_path / "out"
        (inside / "data").mkdir(parents=True)
        outside.mkdir()
        (inside / "secret").symlink_to(self.write(inside / "data" / "real", SECRET))
        assert self.load(tmp_path, inside / "secret").settings is not None
        (inside / "astray").symlink_to(self.write(outside / "real", SECRET))
        assert any("leads out" in error.message for error in self.load(tmp_path, inside / "astray").errors)

    def test_name_and_file_together_are_refused(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "secret", SECRET)
        loaded = load(tmp_path, environment={**KEYS, "ACME_API_SECRET_FILE": str(path)})
        assert any("both set" in error.message for error in loaded.errors)


def test_an_env_file_others_can_read_is_warned_of(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("API_PORT=5000\n")
    env_file.chmod(0o644)
    loaded = load_settings([ACME], env_file, {})
    assert loaded.settings is not None
    assert any("chmod 600" in finding.mend for finding in loaded.findings)


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_exception(text: str) -> None:
    parsed = parse_env_text(text, ".env")
    for name, value in parsed.values.items():
        assert name.isidentifier()
        assert "\n" not in value.text


@pytest.mark.parametrize("text", ["<key>", "your-api-key", "changeme", "xxxxxxxx", "...", "${KEY}"])
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


@given(st.binary(min_size=16, max_size=48))
@settings(max_examples=100, deadline=None)
def test_real_secrets_are_no_placeholders(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    if not text.lower().startswith(("your", "todo", "change", "replace")):
        assert not is_placeholder(text)

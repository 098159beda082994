"""Settings come from flags, the environment, `.env` and defaults, in this order."""

import os
from pathlib import Path

import pytest

from tailcast_gateway.settings import GatewaySettings
from tailcast_service.exceptions import SettingsError
from tailcast_service.settings import ServiceSettings, SettingInForce
from tailcast_tailer.settings import TailerSettings


@pytest.fixture(autouse=True)
def clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory, and no settings but a broker."""
    for name in [name for name in os.environ if name.startswith("TAILCAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAILCAST_REDIS_URL", "redis://user:secret@broker/0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_force(name: str, **flags: object) -> SettingInForce:
    """The gateway's setting of that name."""
    found = {line.name: line for line in GatewaySettings.in_force(**flags)}
    return found[name]


def test_a_flag_wins_over_all(
    monkeypatch: pytest.MonkeyPatch, clean_place: Path
) -> None:
    """Flag before environment before `.env` before default."""
    assert GatewaySettings.load().port == 5000
    (clean_place / ".env").write_text("TAILCAST_PORT=5001\n")
    assert GatewaySettings.load().port == 5001
    monkeypatch.setenv("TAILCAST_PORT", "5002")
    assert GatewaySettings.load().port == 5002
    assert GatewaySettings.load(port="5003").port == 5003
    assert GatewaySettings.load(port=None).port == 5002


def test_where_a_value_came_from_is_known(
    monkeypatch: pytest.MonkeyPatch, clean_place: Path
) -> None:
    """Each place is told by its name, a file with the place that names it."""
    assert in_force("TAILCAST_PORT").origin == "default"
    (clean_place / ".env").write_text("TAILCAST_PORT=5001\n")
    assert in_force("TAILCAST_PORT").origin == ".env"
    (clean_place / "port").write_text("5002\n")
    monkeypatch.setenv("TAILCAST_PORT_FILE", str(clean_place / "port"))
    assert in_force("TAILCAST_PORT").origin == "file named in environment"
    assert in_force("TAILCAST_PORT").value == "5002"
    assert in_force("TAILCAST_PORT", port="1").origin == "flag"


def test_a_name_with_file_reads_the_file(
    monkeypatch: pytest.MonkeyPatch, clean_place: Path
) -> None:
    """White space around the file's text does not count."""
    (clean_place / "url").write_text("  redis://:p@h/1\n")
    monkeypatch.delenv("TAILCAST_REDIS_URL")
    monkeypatch.setenv("TAILCAST_REDIS_URL_FILE", str(clean_place / "url"))
    assert GatewaySettings.load().redis_url == "redis://:p@h/1"


def test_secrets_are_shown_masked() -> None:
    """Neither `config` nor a log line that holds the settings tells a password."""
    assert in_force("TAILCAST_REDIS_URL").value == "redis://user:***@broker/0"
    assert "secret" not in repr(GatewaySettings.load())


def test_what_is_missing_is_listed_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """`config` works without the one setting that has no default."""
    monkeypatch.delenv("TAILCAST_REDIS_URL")
    assert in_force("TAILCAST_REDIS_URL").origin == "missing"
    with pytest.raises(SettingsError, match="TAILCAST_REDIS_URL is required"):
        GatewaySettings.load()


def test_empty_text_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NAME=` is what people write to unset something."""
    monkeypatch.setenv("TAILCAST_PORT", "")
    assert GatewaySettings.load().port == 5000


def test_injected_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Kubernetes beside a Service called tailcast the defaults hold."""
    monkeypatch.setenv("TAILCAST_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("TAILCAST_SERVICE_HOST", "10.0.0.1")
    assert GatewaySettings.load().port == 5000


def test_each_service_accepts_the_others_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They share one environment."""
    monkeypatch.setenv("TAILCAST_LOG_DIR", "/data")
    monkeypatch.setenv("TAILCAST_PORT", "6000")
    assert GatewaySettings.load().port == 6000
    assert TailerSettings.load().log_dir == "/data"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PORT", "abc", "TAILCAST_PORT=abc: write a whole number"),
        ("PORT", "70000", "TAILCAST_PORT=70000: must be less than or equal to 65535"),
        ("WINDOW_BYTES", "8XB", "TAILCAST_WINDOW_BYTES=8XB: write a size as"),
        ("PING_INTERVAL", "31s", "TAILCAST_PING_INTERVAL=31s: must be less"),
        ("ROOT_PATH", "x", "TAILCAST_ROOT_PATH=x: begin it with a slash"),
        ("LOG_LEVEL", "loud", "TAILCAST_LOG_LEVEL=loud: must be 'debug', 'info'"),
        ("PROT", "1", "TAILCAST_PROT is no setting of Tailcast: did you mean"),
        ("PORT_FILE", "/nope", "TAILCAST_PORT_FILE=/nope cannot be read: No such"),
        ("REDIS_URL", "nope", "TAILCAST_REDIS_URL=nope: write an address as"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str
) -> None:
    """The line names the setting and says what to write; `config` says the same."""
    monkeypatch.setenv(f"TAILCAST_{name}", text)
    with pytest.raises(SettingsError) as loading:
        GatewaySettings.load()
    assert str(loading.value).startswith(message)
    assert "\n" not in str(loading.value)
    with pytest.raises(SettingsError) as showing:
        GatewaySettings.in_force()
    assert str(showing.value) == str(loading.value)


def test_the_place_of_a_wrong_value_is_told(clean_place: Path) -> None:
    """A flag is told as the flag, a line of `.env` with the file."""
    with pytest.raises(SettingsError, match="^--port abc: write a whole number$"):
        GatewaySettings.load(port="abc")
    (clean_place / ".env").write_text("TAILCAST_PORT=x\n")
    with pytest.raises(SettingsError, match=r"^TAILCAST_PORT=x \(\.env\): write"):
        GatewaySettings.load()
    (clean_place / ".env").write_text("TAILCAST_PROT=1\n")
    with pytest.raises(SettingsError, match=r"^TAILCAST_PROT \(in \.env\) is no"):
        GatewaySettings.load()


def test_an_env_file_that_is_no_text_is_told(clean_place: Path) -> None:
    """Binary junk in `.env` is an error for people too."""
    (clean_place / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"^\.env is not UTF-8 text$"):
        GatewaySettings.load()


def test_what_is_wrong_comes_before_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person first hears of what they have just written."""
    monkeypatch.delenv("TAILCAST_REDIS_URL")
    with pytest.raises(SettingsError, match="^--port x"):
        GatewaySettings.load(port="x")


def test_a_field_needs_a_known_name_and_a_meaning() -> None:
    """A setting that the table of names lacks cannot be declared."""
    with pytest.raises(TypeError, match=r"Odd\.colour"):

        class Odd(ServiceSettings):  # pyright: ignore[reportUnusedClass]  # refused
            colour: str = "red"
            """which one"""


def test_what_a_setting_is_takes_one_line() -> None:
    """What the manual says besides is not said at a prompt."""

    class Long(ServiceSettings):
        host: str
        """where it listens

        At length: whatever there is to say of that.
        """

    (told,) = [one for one in Long.in_force() if one.name == "TAILCAST_HOST"]
    assert told.meaning == "where it listens"
    with pytest.raises(SettingsError, match="^TAILCAST_HOST is required: .* listens$"):
        Long.load()


def test_the_tailers_values_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, paths, durations and the host name arrive as what they are."""
    monkeypatch.setenv("TAILCAST_TELEMETRY_PATTERNS", "*.jsonl, **/*.ndjson")
    monkeypatch.setenv("TAILCAST_PART_PATTERNS", "shard_*.jsonl,*.[0-9]")
    monkeypatch.setenv("TAILCAST_PATHS", '["/a:1", "/b c,d"]')
    monkeypatch.setenv("TAILCAST_POLL_INTERVAL", "50ms")
    monkeypatch.setenv("TAILCAST_SESSION_PREFIX", "{hostname}/")
    monkeypatch.setenv("TAILCAST_START_AT", "END")
    settings = TailerSettings.load()
    assert settings.telemetry_patterns == ("*.jsonl", "**/*.ndjson")
    assert settings.part_patterns == ("shard_*.jsonl", "*.[0-9]")
    assert settings.paths == ("/a:1", "/b c,d")
    assert settings.poll_interval == 0.05
    assert settings.session_prefix == f"{os.uname().nodename}/"
    assert settings.start_at == "end"
    assert TailerSettings.load(paths=("/c",)).paths == ("/c",)

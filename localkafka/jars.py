"""Kafka's jars: copied once from Maven Central by Maven, then kept in a folder that git ignores."""

import fcntl
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[1] / ".cache" / "kafka"
FETCH_SECONDS = 300.0
"""43 MB over a slow line; a few seconds are usual."""


class KafkaUnavailableError(Exception):
    """Kafka cannot be run on this machine as it is; the message says what is missing and the mend."""


def version() -> str:
    """The release of Kafka that `pom.xml` names."""
    # The file is ours and part of the source, so nothing hostile is parsed.
    found = ET.parse(POM).getroot().findtext("{*}properties/{*}kafka.version")  # noqa: S314
    if not found:
        raise KafkaUnavailableError(f"{POM} names no kafka.version: restore the file")
    return found


def program(name: str, package: str) -> str:
    """The path of a program that must be installed; KafkaUnavailableError says how to get it."""
    found = shutil.which(name)
    if found is None:
        raise KafkaUnavailableError(f"`{name}` is not on the PATH: install {package}")
    return found


def java() -> str:
    """The path of Java."""
    return program("java", "Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless)")


def fetch(cache: Path = CACHE) -> Path:
    """The folder with all jars of one broker, fetched if it is not there yet.

    Two processes may call at once: one fetches, the other waits. The folder appears whole or not at all.
    KafkaUnavailableError when Maven is missing or cannot fetch.
    """
    wanted = cache / version()
    if wanted.is_dir():
        return wanted
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not wanted.is_dir():
            _fetch_into(wanted)
    return wanted


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_into(wanted: Path) -> None:
    maven = program("mvn", "Maven (Debian: apt-get install maven)")
    with tempfile.TemporaryDirectory(dir=wanted.parent, prefix="fetching-") as temporary:
        jars = Path(temporary) / "jars"
        command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and nothing from outside in the arguments
                [*command, f"-DoutputDirectory={jars}"],
                cwd=temporary,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise KafkaUnavailableError(
                f"Maven did not fetch Kafka {wanted.name} within {FETCH_SECONDS:.0f} s: check the network and try again"
            ) from None
        if done.returncode or not any(jars.glob(f"kafka_*-{wanted.name}.jar")):
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise KafkaUnavailableError(
                f"Maven could not fetch Kafka {wanted.name}: check the network or Maven's settings. It said: {said}"
            )
        jars.rename(wanted)

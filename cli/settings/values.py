"""Where settings come from: an env file, the environment, secret files. And what is wrong with how they are written.

Pure, but for :func:`read_secret_file` and :func:`read_env_file`.
"""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

ENV_FILE_BYTES_MAX: Final = 256 * 1024
SECRET_FILE_BYTES_MAX: Final = 16 * 1024
FILE_SUFFIX: Final = "_FILE"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(
    r"<[^>]*>|\$\{[^}]*\}|your[-_ ].*|change[-_ ]?me.*|replace[-_ ]?me.*|x{4,}|\.{3,}|todo", re.IGNORECASE
)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the settings that a person should know: what, and what to do."""

    severity: Literal["error", "warning"]
    name: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a setting and where it stands, for messages."""

    text: str
    origin: str


@dataclass(slots=True)
class Values:
    """What was read, and what was found on the way."""

    values: dict[str, Value] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def error(self, name: str, message: str, mend: str) -> None:
        """Note something that must be mended first."""
        self.findings.append(Finding("error", name, message, mend))

    def warn(self, name: str, message: str, mend: str) -> None:
        """Note something that was put right, or should be looked at."""
        self.findings.append(Finding("warning", name, message, mend))


def parse_env_text(text: str, origin: str) -> Values:
    """Read ``NAME=value`` lines; comments begin with ``#`` at the start of a line. Values are taken as written.

    BOM, CRLF, spaces around a value and quotes around it are taken off and named; a value is never interpolated.
    """
    out = Values()
    if text.startswith(_BOM):
        text = text.removeprefix(_BOM)
        out.warn(origin, f"{origin} begins with a byte order mark", "save it as UTF-8 without BOM")
    if "\r" in text:
        out.warn(origin, f"{origin} has Windows line ends (CRLF)", "they were ignored; save it with LF to be sure")
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{origin}:{number}"
        name, equals, value = line.partition("=")
        name = name.removeprefix("export ").strip()
        if not equals or _NAME.fullmatch(name) is None:
            # Never show the line: it may be a secret that lost its name.
            out.error(where, f"line {number} of {origin} is not NAME=value", "correct or delete the line")
            continue
        if name in out.values:
            out.error(name, f"{name} stands twice in {origin} (again in line {number})", "keep one of the lines")
            continue
        if raw.partition("=")[2] != raw.partition("=")[2].strip():
            out.warn(name, f"{name} in line {number} of {origin} has spaces around its value", "delete the spaces")
        out.values[name] = Value(_unquote(out, name, value.strip(), where), where)
    return out


def _unquote(out: Values, name: str, value: str, where: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        out.warn(name, f"{name} ({where}) has quotes around its value", "they were taken off; delete them")
        return value[1:-1].strip()
    if value[:1] in {'"', "'"} or value[-1:] in {'"', "'"}:
        out.error(name, f"{name} ({where}) has a quote at one end only", "delete the quote")
    return value


def is_placeholder(text: str) -> bool:
    """Whether a value is what a template left to be filled in."""
    return _PLACEHOLDER.fullmatch(text.strip()) is not None


def readable_by_others(mode: int) -> bool:
    """Whether a file of this mode is open to anybody but its owner; only POSIX modes say so."""
    return os.name == "posix" and bool(stat.S_IMODE(mode) & 0o077)


def read_env_file(path: Path) -> Values:
    """The settings of an env file; empty where there is none."""
    out = Values()
    try:
        size = path.stat().st_size
        if size > ENV_FILE_BYTES_MAX:
            out.error(str(path), f"{path} has {size} bytes", f"an env file has at most {ENV_FILE_BYTES_MAX}")
            return out
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return out
    except UnicodeDecodeError:
        out.error(str(path), f"{path} is not UTF-8", "save it as UTF-8")
        return out
    except OSError as error:
        out.error(str(path), f"{path} cannot be read: {error.strerror}", "correct the file's permissions")
        return out
    parsed = parse_env_text(text, path.name)
    mode = stat.S_IMODE(path.stat().st_mode)
    if readable_by_others(mode) and parsed.values:
        parsed.warn(str(path), f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return parsed


def from_environment(environment: dict[str, str]) -> Values:
    """The settings of the environment, with spaces and quotes named as in a file."""
    out = Values()
    for name, text in environment.items():
        out.values[name] = Value(text, "the environment")
    return out


def read_secret_file(out: Values, name: str, path_text: str, origin: str) -> Value | None:
    """The content of a secret file for a setting, or None with an error noted.

    A file that others can read is refused with its mode; a symlink is followed only within its own directory
    (as container platforms mount secrets); empty is refused; BOM and line ends at the edges are taken off.
    """
    path = Path(path_text)
    shown = f"{name}{FILE_SUFFIX} ({origin})"
    try:
        resolved = path.resolve(strict=True)
        if path.is_symlink() and path.parent.resolve() not in resolved.parents:
            out.error(name, f"{shown} is a link that leads out of {path.parent}", "name the file itself")
            return None
        status = resolved.stat()
        mode = stat.S_IMODE(status.st_mode)
        if readable_by_others(mode):
            out.error(name, f"{shown}: {path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
            return None
        if status.st_size > SECRET_FILE_BYTES_MAX:
            out.error(name, f"{shown}: {path} has {status.st_size} bytes", "a secret is one short line")
            return None
        text = resolved.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        out.error(name, f"{shown}: {path} cannot be read: {reason}", "correct the path or the file")
        return None
    value = text.removeprefix(_BOM).strip()
    problem = _problem_of_secret(value)
    if problem:
        out.error(name, f"{shown}: {path} {problem}", "write the secret into it, one short line")
        return None
    return Value(value, str(path))


def _problem_of_secret(value: str) -> str:
    if not value:
        return "is empty"
    if not value.isprintable():
        return "has more than one line, or control characters"
    return "still holds a placeholder" if is_placeholder(value) else ""


def merge(env_file: Values, environment: Values, known: set[str]) -> Values:
    """The known settings of both, the environment before the file; ``NAME_FILE`` read where it is given.

    ``known`` holds the names without ``_FILE``; who knows labelled accounts has put their names in it.
    """
    out = Values(findings=[*env_file.findings, *environment.findings])
    for source in (env_file, environment):
        for name, value in source.values.items():
            plain = name.removesuffix(FILE_SUFFIX)
            if name in known and value.text.strip():
                out.values[name] = _clean(out, name, value)
            elif name.endswith(FILE_SUFFIX) and plain in known and value.text.strip():
                if plain in source.values and source.values[plain].text.strip():
                    out.error(plain, f"{plain} and {name} are both set in {value.origin}", "keep one of them")
                    continue
                secret = read_secret_file(out, plain, value.text.strip(), value.origin)
                if secret is not None:
                    out.values[plain] = secret
    return out


def _clean(out: Values, name: str, value: Value) -> Value:
    text = value.text
    if text != text.strip() or text.startswith(_BOM):
        text = text.removeprefix(_BOM).strip()
        out.warn(name, f"{name} of {value.origin} has spaces or line ends around its value", "delete them")
    if is_placeholder(text):
        out.error(name, f"{name} ({value.origin}) still holds the template's placeholder", "fill it in or empty it")
    return Value(text, value.origin)

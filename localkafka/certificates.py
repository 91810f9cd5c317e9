"""Certificates for tests: an authority of one's own, a server at 127.0.0.1, and clients by name; made with openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from localkafka.jars import program

DAYS = 2
"""Long enough for any test run, short enough to be of no use to anybody."""

OPENSSL_SECONDS = 30.0


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the authority, the server (key and certificate in one), a client's certificate and key."""

    folder: Path
    ca: Path
    server: Path
    client_cert: Path
    client_key: Path

    @classmethod
    def make(cls, folder: Path, client: str = "client") -> "Certificates":
        """Make all of them in a folder; the client's common name is `client`."""
        folder.mkdir(parents=True, exist_ok=True)
        ca, key = folder / "ca.pem", folder / "ca.key"
        _openssl("req", "-x509", *_new_key(key), "-out", str(ca), "-subj", "/CN=test authority", "-days", str(DAYS))
        made = cls(folder, ca, folder / "server.pem", folder / f"{client}.crt", folder / f"{client}.key")
        cert, key = made._signed("server", "127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        made.server.write_bytes(key.read_bytes() + cert.read_bytes())
        made.server.chmod(0o600)
        made.add_client(client)
        return made

    def add_client(self, name: str) -> tuple[Path, Path]:
        """A certificate and its key for one more client of that common name."""
        return self._signed(name, name, "extendedKeyUsage=clientAuth")

    def _signed(self, stem: str, common_name: str, extension: str) -> tuple[Path, Path]:
        cert, key = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        signer = ["-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key")]
        subject = ["-subj", f"/CN={common_name}", "-addext", extension, "-addext", "basicConstraints=CA:FALSE"]
        _openssl("req", "-x509", *_new_key(key), "-out", str(cert), *signer, *subject, "-days", str(DAYS))
        return cert, key


def _new_key(path: Path) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", str(path)]


def _openssl(*arguments: str) -> None:
    openssl = program("openssl", "OpenSSL 3 (Debian: apt-get install openssl)")
    try:
        subprocess.run(  # noqa: S603 - no shell; the arguments are of the test that calls
            [openssl, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=OPENSSL_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"openssl {arguments[0]} failed; version 3 is needed. It said: {error.stderr}") from None

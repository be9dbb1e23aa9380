"""TLS, against a server of its own: LAKEGATE_BINARIES names the folder that has it. It needs no lake, only a login."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lakegate

CONFIGURATION = Path(__file__).resolve().parents[3] / "deploy" / "sandbox" / "lakegate.toml"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed; the key beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", folder / "tls.key", "-out", folder / "tls.crt",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "tls.crt"


@pytest.fixture(scope="module")
def encrypted(certificate: Path) -> Iterator[str]:
    """The address of a server with TLS."""
    binaries = os.environ.get("LAKEGATE_BINARIES")
    if not binaries:
        pytest.skip("LAKEGATE_BINARIES names no folder with the server")
    port = free_port()
    environment = {
        "LAKEGATE__SERVER__ADDRESS": f"127.0.0.1:{port}",
        "LAKEGATE__SERVER__TLS_CERTIFICATE": str(certificate),
        "LAKEGATE__SERVER__TLS_KEY": str(certificate.with_suffix(".key")),
        "LAKEGATE__ADMIN__ENABLED": "false",
    }
    server = subprocess.Popen(
        [Path(binaries) / "lakegate-server", "--config", CONFIGURATION],
        env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port, server)
        yield f"grpc+tls://localhost:{port}"
    finally:
        server.terminate()
        server.wait(SECONDS_TO_STOP)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not start")


def test_a_server_that_is_not_trusted_gets_no_password(encrypted: str) -> None:
    with pytest.raises(lakegate.OperationalError, match="certificate"):
        lakegate.connect(encrypted, "analyst", "analyst")
    with pytest.raises(lakegate.OperationalError):
        lakegate.login(encrypted, "analyst", "analyst")


def test_a_certificate_that_is_named_is_trusted(encrypted: str, certificate: Path) -> None:
    with lakegate.connect(encrypted, "analyst", "analyst", tls_ca=certificate) as connection:
        assert connection.query("select 1 as one").to_pydict() == {"one": [1]}
    token = lakegate.login(encrypted, "analyst", "analyst", tls_ca=certificate)
    with lakegate.connect(encrypted, token=token, tls_ca=certificate.read_text()) as connection:
        assert connection.query("select 1 as one").num_rows == 1


def test_the_certificates_may_be_named_by_the_environment(
    encrypted: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEGATE_TLS_CA", str(certificate))
    with lakegate.connect(encrypted, "analyst", "analyst") as connection:
        assert connection.query("select 1 as one").num_rows == 1


def test_any_server_is_trusted_if_that_is_asked_for(encrypted: str) -> None:
    with lakegate.connect(encrypted, "analyst", "analyst", tls_skip_verify=True) as connection:
        assert connection.query("select 1 as one").num_rows == 1


def test_sqlalchemy_speaks_tls(encrypted: str, certificate: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    server = encrypted.removeprefix("grpc+tls://")
    engine = sqlalchemy.create_engine(f"lakegate://analyst:analyst@{server}?tls=true&tls_ca={certificate}")
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select 1")) == 1
    engine.dispose()

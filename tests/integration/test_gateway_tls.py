"""A gateway that speaks TLS by itself, and whose certificate is renewed."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from tailcast_gateway.app import load_certificate
from tailcast_gateway.connections.certificate import Certificate
from tailcast_gateway.settings import GatewaySettings
from tailcast_service.exceptions import SettingsError
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig


def write_certificate(directory: Path, name: str) -> tuple[str, str]:
    """A certificate for this machine, and its key; by their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .issuer_name(subject)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key_file.write_bytes(pem)
    return str(cert_file), str(key_file)


@pytest.fixture
async def secure(rig: Rig, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with a certificate."""
    async with rig.serving(tls=write_certificate(tmp_path, "first")) as gateway:
        yield gateway


def trusting(directory: Path) -> ssl.SSLContext:
    """What believes the certificate that lies there."""
    return ssl.create_default_context(cafile=str(directory / "cert.pem"))


async def test_requests_and_streams_over_tls(secure: Gateway, tmp_path: Path) -> None:
    """Both are as without it; what is no TLS gets nothing."""
    context = trusting(tmp_path)
    async with httpx.AsyncClient(verify=context, timeout=PATIENCE_SECONDS) as client:
        answer = await client.get(f"https://localhost:{secure.port}/healthz")
        assert answer.status_code == 200
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://localhost:{secure.port}/healthz")
    url = f"wss://localhost:{secure.port}/ws/telemetry"
    async with connect(url, ssl=context) as connection:
        await connection.send('{"type":"heartbeat","id":1}')
        assert json.loads(await connection.recv())["id"] == 1


def spoil(key: str) -> bytes:
    """Leave nothing in a file; what it had."""
    whole = Path(key).read_bytes()
    Path(key).write_bytes(b"")
    return whole


async def test_a_certificate_that_is_renewed(secure: Gateway, tmp_path: Path) -> None:
    """New connections get it; half of one is told, and the old one goes on."""
    told: list[OSError | None] = []
    context = secure.server.config.ssl
    assert context is not None
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    certificate = Certificate(context, cert, key, on_read=told.append)
    certificate.reread()
    assert told == []
    spoil(key)
    certificate.reread()
    assert isinstance(told.pop(), OSError)
    write_certificate(tmp_path, "second")
    certificate.reread()
    assert told == [None]
    async with httpx.AsyncClient(
        verify=trusting(tmp_path), timeout=PATIENCE_SECONDS
    ) as client:
        answer = await client.get(f"https://localhost:{secure.port}/healthz")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tls_cert": "cert.pem"}, "go together"),
        ({"tls_cert": "none.pem", "tls_key": "key.pem"}, "No such file"),
        ({"tls_cert": "key.pem", "tls_key": "key.pem"}, "no certificate"),
    ],
)
def test_a_certificate_that_is_none(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    """There is no start, and one line says why."""
    write_certificate(tmp_path, "first")
    paths = {name: str(tmp_path / file) for name, file in settings.items()}
    loaded = GatewaySettings.load(redis_url="redis://localhost", **paths)
    config = uvicorn.Config(
        lambda: None,
        ssl_certfile=paths["tls_cert"],
        ssl_keyfile=paths.get("tls_key"),
        log_config=None,
    )
    with pytest.raises(SettingsError, match=words):
        load_certificate(config, loaded)

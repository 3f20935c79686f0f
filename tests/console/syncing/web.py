"""A web server for tests of fetching, whose answers a test writes byte by byte."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[socket.socket, str, dict[str, str]], None]


class Web:
    """`answers`: path -> what answers it. `asked`: the paths and headers that came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._stopping = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def close(self) -> None:
        self._stopping.set()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(line,), daemon=True).start()

    def _one(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line = self._tls.wrap_socket(line, server_side=True) if self._tls else line
        with line, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(4096)
            first, *rest = head.decode().split("\r\n")
            headers = dict(part.lower().split(": ", 1) for part in rest if ": " in part)
            path = first.split()[1]
            self.asked.append((path, headers))
            self.answers[path.partition("?")[0]](line, path, headers)

    def drip(self, line: socket.socket, text: bytes) -> None:
        """A byte now and then, without an end."""
        while not self._stopping.wait(0.05):
            line.sendall(text)


def plain(body: bytes, *, status: str = "200 OK", **headers: str) -> Answer:
    def answer(line: socket.socket, path: str, asked: dict[str, str]) -> None:
        told = {
            "content-length": str(len(body)),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {text}" for name, text in told.items())]
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    return answer


def leading(to: str, status: str = "302 Found") -> Answer:
    return plain(b"", status=status, location=to)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """TLS of a server of this name, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(issuer_name=who, subject_name=who, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    trusted, both = folder / "trusted.pem", folder / "both.pem"
    trusted.write_bytes(text)
    both.write_bytes(text + secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    return context, trusted


@contextlib.contextmanager
def web(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    found = Web(tls)
    try:
        yield found
    finally:
        found.close()

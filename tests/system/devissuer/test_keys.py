"""The issuer's key is created once, readable only by its owner, and refused if it is damaged."""

import os
import stat
from base64 import urlsafe_b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from timesheets_site.devissuer.keys import KeyFileUnusable, make_jwk, obtain_signing_key


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def encode_pem(private_key: Any, encryption: serialization.KeySerializationEncryption | None = None) -> bytes:
    pem: bytes = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )
    return pem


def test_a_key_is_the_same_after_a_restart(key_file: Path) -> None:
    created = obtain_signing_key(key_file)

    assert obtain_signing_key(key_file).kid == created.kid


def test_only_its_owner_can_read_a_new_key_file(key_file: Path) -> None:
    umask = os.umask(0)
    try:
        obtain_signing_key(key_file)
    finally:
        os.umask(umask)

    assert get_mode(key_file) == 0o600


def test_concurrent_callers_get_the_same_key(key_file: Path) -> None:
    callers = 4
    barrier = Barrier(callers)

    def obtain_together(_: int) -> str:
        barrier.wait()
        return obtain_signing_key(key_file).kid

    with ThreadPoolExecutor(callers) as pool:
        kids = set(pool.map(obtain_together, range(callers)))

    assert len(kids) == 1


def test_creating_a_key_leaves_no_other_file(key_file: Path) -> None:
    obtain_signing_key(key_file)

    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_file_that_others_can_read_becomes_private(key_file: Path) -> None:
    created = obtain_signing_key(key_file)
    key_file.chmod(0o644)

    assert obtain_signing_key(key_file).kid == created.kid
    assert get_mode(key_file) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"-----BEGIN PRIVATE KEY-----\n", id="cut"),
        pytest.param(lambda: encode_pem(ec.generate_private_key(ec.SECP256R1())), id="another kind of key"),
        pytest.param(lambda: encode_pem(rsa.generate_private_key(65537, 1024)), id="too short"),  # noqa: S505
        pytest.param(
            lambda: encode_pem(
                rsa.generate_private_key(65537, 2048), serialization.BestAvailableEncryption(b"password")
            ),
            id="locked with a password",
        ),
    ],
)
def test_a_damaged_key_file_is_refused_with_instructions(
    key_file: Path, content: Callable[[], bytes]
) -> None:
    key_file.write_bytes(content())

    with pytest.raises(KeyFileUnusable, match="Delete the file") as refused:
        obtain_signing_key(key_file)

    assert str(refused.value).startswith(f"{key_file}: ")


def test_an_unwritable_key_file_is_named(tmp_path: Path) -> None:
    key_file = tmp_path / "missing" / "key.pem"

    with pytest.raises(KeyFileUnusable) as refused:
        obtain_signing_key(key_file)

    assert str(refused.value).startswith(f"{key_file}: ")


def test_repr_does_not_show_the_private_key(key_file: Path) -> None:
    key = obtain_signing_key(key_file)

    assert str(key.private_key.private_numbers().d) not in repr(key)


def test_the_key_id_is_the_thumbprint() -> None:
    # The key and the thumbprint of RFC 7638 section 3.1.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaS"
        "qzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksIN"
        "HaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    numbers = rsa.RSAPublicNumbers(n=int.from_bytes(urlsafe_b64decode(n + "==")), e=65537)

    jwk = make_jwk(numbers.public_key())

    assert (jwk["kid"], jwk["n"], jwk["e"]) == ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", n, "AQAB")

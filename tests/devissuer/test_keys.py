"""The issuer's key is made once, kept from others, and never trusted when it is damaged."""

import os
import stat
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from timesheets_site.devissuer.keys import KeyFileUnusable, make_jwk, obtain_signing_key


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def pem_of(private_key, encryption=None):
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )


def test_a_key_is_the_same_after_a_restart(key_file):
    made = obtain_signing_key(key_file)

    assert obtain_signing_key(key_file).kid == made.kid


def test_a_new_key_file_is_its_owners_alone(key_file):
    umask = os.umask(0)
    try:
        obtain_signing_key(key_file)
    finally:
        os.umask(umask)

    assert mode_of(key_file) == 0o600


def test_all_who_make_the_key_at_once_end_with_one(key_file):
    makers = 4
    barrier = Barrier(makers)

    def obtain_together(_):
        barrier.wait()
        return obtain_signing_key(key_file).kid

    with ThreadPoolExecutor(makers) as pool:
        kids = set(pool.map(obtain_together, range(makers)))

    assert len(kids) == 1


def test_making_a_key_leaves_nothing_else_behind(key_file):
    obtain_signing_key(key_file)

    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_file_that_others_can_read_is_taken_from_them(key_file):
    made = obtain_signing_key(key_file)
    key_file.chmod(0o644)

    assert obtain_signing_key(key_file).kid == made.kid
    assert mode_of(key_file) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"-----BEGIN PRIVATE KEY-----\n", id="cut"),
        pytest.param(lambda: pem_of(ec.generate_private_key(ec.SECP256R1())), id="another kind of key"),
        pytest.param(lambda: pem_of(rsa.generate_private_key(65537, 1024)), id="too short"),  # noqa: S505 - it is refused.
        pytest.param(
            lambda: pem_of(
                rsa.generate_private_key(65537, 2048), serialization.BestAvailableEncryption(b"password")
            ),
            id="locked with a password",
        ),
    ],
)
def test_a_damaged_key_file_is_refused_with_what_to_do(key_file, content):
    key_file.write_bytes(content())

    with pytest.raises(KeyFileUnusable, match="Delete the file") as refused:
        obtain_signing_key(key_file)

    assert str(refused.value).startswith(f"{key_file}: ")


def test_a_folder_that_cannot_hold_the_key_is_named(tmp_path):
    key_file = tmp_path / "missing" / "key.pem"

    with pytest.raises(KeyFileUnusable) as refused:
        obtain_signing_key(key_file)

    assert str(refused.value).startswith(f"{key_file}: ")


def test_a_private_key_is_in_no_repr(key_file):
    key = obtain_signing_key(key_file)

    assert str(key.private_key.private_numbers().d) not in repr(key)


def test_a_key_is_named_by_its_thumbprint():
    # The key of RFC 7638 section 3.1, and the thumbprint that it gives.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaS"
        "qzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksIN"
        "HaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    numbers = rsa.RSAPublicNumbers(n=int.from_bytes(urlsafe_b64decode(n + "==")), e=65537)

    jwk = make_jwk(numbers.public_key())

    assert (jwk["kid"], jwk["n"], jwk["e"]) == ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", n, "AQAB")

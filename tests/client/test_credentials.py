"""A client that signs with a private key instead of sending a secret."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PublicFormat

from tests.client.configurations import COMPLETE, KEYS, SECRET, load, problems_of, write_pem
from tests.client.conftest import SIGNING_KEY
from timesheets_client.errors import ConfigurationError

SIGNING_CLIENT = {"AUTH0_CLIENT_SECRET": "", "OAUTH_CLIENT_AUTH": "private_key_jwt"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a key."""
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_bytes(write_pem())
    return tmp_path / "key.pem"


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_client_can_sign_instead_of_sending_a_secret(path: Path, algorithm: str) -> None:
    path.write_bytes(write_pem(KEYS[algorithm]))

    config = load(**SIGNING_CLIENT, AUTH0_PRIVATE_KEY_FILE=str(path))

    assert config.private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert config.private_key not in repr(config)
    assert config.client_secret == ""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(write_pem(encryption=BestAvailableEncryption(b"open sesame")), id="a passphrase"),
        pytest.param(write_pem(ec.generate_private_key(ec.SECP256K1())), id="another curve"),
        pytest.param(SECRET.encode(), id="a secret"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", id="broken"),
        pytest.param(
            SIGNING_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            id="public",
        ),
    ],
)
def test_a_file_without_a_key_that_signs_is_refused_and_not_quoted(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="contains no private key in PEM") as caught:
        load(**SIGNING_CLIENT, AUTH0_PRIVATE_KEY_FILE=str(path))

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param(SIGNING_CLIENT, "AUTH0_PRIVATE_KEY_FILE", id="no key"),
        pytest.param({"AUTH0_PRIVATE_KEY_FILE": "key.pem"}, "AUTH0_PRIVATE_KEY_FILE", id="a key, no method"),
        *(
            pytest.param(SIGNING_CLIENT | {name: "x"}, name, id="a key and a secret")
            for name in ("AUTH0_CLIENT_SECRET", "AUTH0_CLIENT_SECRET_FILE")
        ),
    ],
)
def test_a_key_has_its_method_and_no_secret_beside_it(
    path: Path, changes: dict[str, str], named: str
) -> None:
    key = {} if changes is SIGNING_CLIENT else {"AUTH0_PRIVATE_KEY_FILE": str(path)}

    assert problems_of(COMPLETE | key | changes) == [named]

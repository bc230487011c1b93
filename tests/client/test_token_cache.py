"""A token on disk, for one user and complete or absent."""

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from timesheets_client.access.issued_tokens import IssuedToken
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.errors import ConfigurationError, Terminated
from timesheets_client.network.retries import Clock

TOKEN = IssuedToken(value="header.payload.signature", issued_at=1_800_000_000.5, expires_in=3600)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a file")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, warnings: list[str]) -> TokenCache:
    return TokenCache(tmp_path / "state", warnings.append, Clock(announce=warnings.append))


def keep(cache: TokenCache, token: IssuedToken = TOKEN) -> None:
    with cache.lock("name", 1):
        cache.write("name", token)


def look(cache: TokenCache) -> IssuedToken | None:
    with cache.lock("name", 1):
        return cache.read("name")


@pytest.fixture
def path(tmp_path: Path, cache: TokenCache) -> Path:
    """The file of a cached token."""
    keep(cache)
    return tmp_path / "state/tokens/name.json"


@pytest.mark.parametrize("expires_in", [3600, 0.5, None])
def test_a_written_token_is_read_back(cache: TokenCache, expires_in: float | None) -> None:
    token = IssuedToken(value="a.b.c", issued_at=1_800_000_000, expires_in=expires_in)

    keep(cache, token)

    assert look(cache) == token


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_file_folder_and_lock_are_closed_to_other_users(
    tmp_path: Path, cache: TokenCache, umask: int
) -> None:
    previous = os.umask(umask)
    try:
        keep(cache)
    finally:
        os.umask(previous)

    folder = tmp_path / "state/tokens"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"name.json": 0o600, "name.lock": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_open_folder_is_closed_to_other_users(tmp_path: Path, cache: TokenCache) -> None:
    folder = tmp_path / "state/tokens"
    folder.mkdir(parents=True)
    folder.chmod(0o755)

    keep(cache)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


CONTENTS = {
    "empty": b"",
    "half": b'{"value": "a.b',
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "null": b"null",
    "deeply nested": b"[" * 60_000,
    "no members": b"{}",
    "a number as a token": b'{"value": 7, "issued_at": 1, "expires_in": 1}',
    "a string as a time": b'{"value": "a", "issued_at": "1", "expires_in": 1}',
    "NaN": b'{"value": "a", "issued_at": NaN, "expires_in": 1}',
    "true as seconds": b'{"value": "a", "issued_at": 1, "expires_in": true}',
}


@pytest.mark.parametrize(
    "spoil",
    [
        *(pytest.param(partial(Path.write_bytes, data=data), id=name) for name, data in CONTENTS.items()),
        *(pytest.param(partial(Path.chmod, mode=mode), id=oct(mode)) for mode in (0o640, 0o604, 0o620)),
        pytest.param(lambda path: os.chown(path, 54321, -1), id="another user's", marks=needs_root),
        pytest.param(lambda path: path.symlink_to(path.rename(path.parents[1] / "elsewhere")), id="a link"),
    ],
)
def test_a_file_that_is_damaged_or_not_only_ours_is_ignored_and_replaced(
    path: Path, cache: TokenCache, spoil: Callable[[Path], object]
) -> None:
    spoil(path)

    assert look(cache) is None

    keep(cache)
    assert look(cache) == TOKEN
    status = path.lstat()
    assert (status.st_mode, status.st_uid) == (stat.S_IFREG | 0o600, os.geteuid())


def test_a_linked_lock_is_a_configuration_error(tmp_path: Path, path: Path, cache: TokenCache) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    path.with_suffix(".lock").unlink()
    path.with_suffix(".lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigurationError, match="must neither be nor contain a symbolic link"):
        look(cache)

    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_linked_folder_is_a_configuration_error_and_stays_empty(tmp_path: Path, cache: TokenCache) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (tmp_path / "state").mkdir()
    (tmp_path / "state/tokens").symlink_to(elsewhere)

    for use in (keep, look, lambda cache: cache.forget("name")):
        with pytest.raises(ConfigurationError, match=r"tokens: .*a symbolic link"):
            use(cache)

    assert list(elsewhere.iterdir()) == []
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755


@needs_root
def test_another_users_folder_is_not_used(tmp_path: Path, cache: TokenCache, warnings: list[str]) -> None:
    folder = tmp_path / "state/tokens"
    folder.mkdir(parents=True)
    os.chown(folder, 54321, -1)

    keep(cache)

    assert look(cache) is None
    assert list(folder.iterdir()) == []
    assert warnings[0] == (
        f"{folder}: no token can be kept here: it belongs to another user; each run gets a "
        "new one. Set TIMESHEETS_STATE_DIR to a folder that this user owns, or use --no-token-cache."
    )


def test_a_token_is_on_disk_before_it_gets_its_name(
    path: Path, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IssuedToken(value="d.e.f", issued_at=1, expires_in=2)
    synced: list[tuple[str, str]] = []

    def record(descriptor: int) -> None:
        [temporary] = path.parent.glob(".name.*.tmp")
        synced.append((temporary.read_text(), path.read_text()))

    monkeypatch.setattr(os, "fsync", record)
    before = path.read_text()

    keep(cache, other)

    assert synced == [(path.read_text(), before)]


def test_a_token_that_cannot_be_written_causes_only_a_warning(
    path: Path, cache: TokenCache, warnings: list[str]
) -> None:
    path.unlink()
    path.mkdir()

    keep(cache)

    assert "no token can be kept here: Is a directory" in warnings[0]
    assert TOKEN.value not in warnings[0]
    assert {file.name for file in path.parent.iterdir()} == {"name.json", "name.lock"}


@contextmanager
def held_elsewhere(path: Path) -> Iterator[None]:
    """Another run gets the token of this file."""
    with path.with_suffix(".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def test_a_run_that_hangs_does_not_block_others(path: Path, cache: TokenCache, warnings: list[str]) -> None:
    with held_elsewhere(path), cache.lock("name", 0.1):
        assert cache.read("name") == TOKEN

    assert warnings == ["waiting up to 0.1 s for another run to get the issuer's token."]


def test_a_signal_ends_the_wait_for_another_run(path: Path, warnings: list[str]) -> None:
    def end(_: float) -> None:
        raise Terminated

    cache = TokenCache(path.parents[1], warnings.append, Clock(sleep=end))
    with held_elsewhere(path), pytest.raises(Terminated), cache.lock("name", 60):
        pass


def test_forgetting_removes_the_token_and_temporary_files(path: Path, cache: TokenCache) -> None:
    path.with_name(".name.x7f.tmp").write_text(json.dumps({"access_token": "half"}))

    cache.forget("name")

    assert look(cache) is None
    assert [file.name for file in path.parent.iterdir()] == ["name.lock"]


def test_forgetting_without_a_token_does_nothing(tmp_path: Path, cache: TokenCache) -> None:
    cache.forget("name")

    assert not (tmp_path / "state").exists()


def test_a_token_that_cannot_be_removed_is_a_configuration_error(path: Path, cache: TokenCache) -> None:
    path.unlink()
    path.mkdir()

    with pytest.raises(ConfigurationError, match=f"{path.parent}: the token cannot be removed"):
        cache.forget("name")

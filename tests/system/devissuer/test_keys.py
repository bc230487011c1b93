"""The issuer's key is created once, and only its owner can read it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from timesheets_site.devissuer.keys import describe_public_key, obtain_signing_key


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key.pem"


def test_concurrent_callers_get_one_key_that_lasts_and_leave_no_other_file(key_file: Path) -> None:
    callers = 4
    barrier = Barrier(callers)

    def obtain_together(_: int) -> str:
        barrier.wait()
        return str(describe_public_key(obtain_signing_key(key_file))["kid"])

    with ThreadPoolExecutor(callers) as pool:
        kids = set(pool.map(obtain_together, range(callers)))

    assert kids == {describe_public_key(obtain_signing_key(key_file))["kid"]}
    assert list(key_file.parent.iterdir()) == [key_file]


def test_only_its_owner_can_read_a_new_key_file(key_file: Path) -> None:
    umask = os.umask(0)
    try:
        obtain_signing_key(key_file)
    finally:
        os.umask(umask)

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600

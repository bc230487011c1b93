"""Explain why an input cannot be copied to a temporary file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from timesheets_client.errors import TemporaryFailure

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def explain_full_disk(name: str) -> Iterator[None]:
    """Raise TemporaryFailure in place of an OSError for lack of space."""
    try:
        yield
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            raise
        raise TemporaryFailure(
            f"{name}: there is no space for a temporary copy of it; free some and run it again, or set TMPDIR"
        ) from None

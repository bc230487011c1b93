"""Suggest employees and projects to the fields of a form, whose browsers find them in any case."""

import time
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from django.utils.html import escape

from timesheets.storage.names import Names, list_names
from timesheets.storage.rows import Reach
from timesheets.trust.principals import ClientKey

MAX_AGE_SECONDS = 60
# Of the names of a field, with an element around each. The limit keeps a page below 100 kB.
_MAX_BYTES, _ELEMENT_BYTES = 11_000, 20


def suggest_names(reach: Reach | None) -> Names:
    """The names that are known in reach, a minute ago at most: the last ones that were used, in order."""
    return _read_names(reach.own, int(time.monotonic() / MAX_AGE_SECONDS)) if reach else Names()


@lru_cache(maxsize=128)
def _read_names(own: ClientKey | None, _period: int) -> Names:
    return Names(*(sorted(_fit(names), key=str.casefold) for names in list_names(Reach(own=own))))


def _fit(names: Sequence[str]) -> list[str]:
    sizes = accumulate(len(escape(name).encode()) + _ELEMENT_BYTES for name in names)
    return [name for name, size in zip(names, sizes, strict=True) if size <= _MAX_BYTES]

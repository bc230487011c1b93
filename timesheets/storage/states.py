"""Decide what became of a row: whether its hours count."""

import enum
from decimal import Decimal


class State(enum.StrEnum):
    """Only the hours of current rows count."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


def find_state(hours: Decimal, superseded_by: int | None) -> State:
    """The state of a row with these hours and this next revision."""
    if superseded_by is not None:
        return State.SUPERSEDED
    return State.CURRENT if hours else State.WITHDRAWN

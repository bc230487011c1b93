"""How the property tests try examples."""

import os

from hypothesis import HealthCheck, settings


def try_examples(variable: str, count: int) -> settings:
    """Try so many examples, the same in each run, or as many as the variable says, however long one takes."""
    return settings(
        max_examples=int(os.environ.get(variable, count)),
        deadline=None,
        derandomize=True,
        database=None,
        # A database is created once. What an example stores is removed by it, or is of a client of its own.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )

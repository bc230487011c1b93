"""How the properties of the storage layer are tried."""

from hypothesis import HealthCheck, settings


def try_examples(count: int) -> settings:
    """Try the same examples in each run, however long one takes."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )

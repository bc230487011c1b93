"""How the property tests of the API try examples.

API_EXAMPLES is the number of examples of each test. With --all, it is 500.
"""

import os

from hypothesis import HealthCheck, settings

try_many = settings(
    max_examples=int(os.environ.get("API_EXAMPLES", "60")),
    deadline=None,
    database=None,
    derandomize=True,
    # Each example removes what it stores, so the next one starts from the same state.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

"""What every test run shares: how hard the property tests look, and a clean slate of settings.

Fixtures of one room stand in the `conftest.py` of that room's folder, not here.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: on shared cores any one example may be slow, and a timed test proves nothing.
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=False, print_blob=True)
settings.register_profile(
    "deep",
    max_examples=3000,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")  # `--hypothesis-profile=deep` replaces it

# A developer's own AGNES_SERVER or AGNES_TOKEN must not reach a test, or it talks to a real server.
for name in [name for name in os.environ if name.startswith("AGNES_")]:
    if not name.startswith("AGNES_TEST_"):
        del os.environ[name]

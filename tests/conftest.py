"""How hypothesis draws: the same examples every time, or with --hypothesis-profile=deep many new.

A law that is dear, such as one that trains, sets a share of the profile's examples: `fewer(10)`.
"""

from hypothesis import HealthCheck, settings

common = settings(
    deadline=None,  # machines differ, and pytest-timeout guards the rest
    database=None,  # the source tree may be read-only
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile("fast", common, max_examples=40, derandomize=True)
settings.register_profile("deep", common, max_examples=1000, derandomize=False, print_blob=True)
settings.load_profile("fast")

"""What holds for all tests of localbundle."""

from hypothesis import HealthCheck, settings
from localbundle_support.java import compile_lightly

# No test is about time: a busy machine must fail none.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
compile_lightly()

"""What holds for all tests of localbundle."""

from hypothesis import HealthCheck, settings
from localbundle_support.java import compile_lightly

# No test is about time: a busy machine must fail none. A property is tried with a few examples whenever the suite runs;
# `make properties` tries many.
settings.register_profile("untimed", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("untimed"), max_examples=500)
settings.load_profile("untimed")
compile_lightly()

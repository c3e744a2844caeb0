"""What holds for all tests."""

from hypothesis import settings

# No test is about time: a busy machine must fail none.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

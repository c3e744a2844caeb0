"""The parameters of jobs as typed objects. Checked before anything starts, and read by notebooks in the same way."""

from ragops.parameters.explore import ExploreParameters, check_explore
from ragops.parameters.job import JobParameters, check_job
from ragops.parameters.prototype import PrototypeParameters, check_prototype
from ragops.parameters.refresh import RefreshParameters, check_refresh
from ragops.parameters.release import ReleaseParameters, check_release
from ragops.parameters.smoke import SmokeParameters, check_smoke

__all__ = [
    "ExploreParameters",
    "JobParameters",
    "PrototypeParameters",
    "RefreshParameters",
    "ReleaseParameters",
    "SmokeParameters",
    "check_explore",
    "check_job",
    "check_prototype",
    "check_refresh",
    "check_release",
    "check_smoke",
]

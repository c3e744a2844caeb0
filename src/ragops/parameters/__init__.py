"""The parameters of jobs as typed objects. Checked before anything starts, and read by notebooks in the same way."""

from ragops.parameters.refresh import RefreshParameters, check_refresh
from ragops.parameters.smoke import SmokeParameters, check_smoke

__all__ = [
    "RefreshParameters",
    "SmokeParameters",
    "check_refresh",
    "check_smoke",
]

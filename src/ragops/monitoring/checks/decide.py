"""Which of the statistical findings of one run count, so that clean runs stay without findings."""

from __future__ import annotations

from collections.abc import Sequence

from ragops.monitoring.finding import Found

FALSE_FINDINGS = 0.0025
"""How probable one false finding or more is in a run over a system without faults."""


def decide(found: Sequence[Found]) -> list[Found]:
    """Those findings that are certain, and those that chance does not explain."""
    uncertain = sum(1 for one in found if one.p_value is not None)
    limit = FALSE_FINDINGS / max(1, uncertain)
    return [one for one in found if one.p_value is None or one.p_value <= limit]

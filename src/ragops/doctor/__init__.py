"""What the place is where this runs: versions, limits, what is allowed, and what is missing with what to do."""

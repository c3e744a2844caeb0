"""The bundle's files: read, merged, resolved for a target, checked."""

"""What the bundle's files say: read, merged, resolved for a target, checked."""

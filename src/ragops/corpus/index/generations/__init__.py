"""Index generations: immutable versions, built, verified and published, with a pointer to the live one."""

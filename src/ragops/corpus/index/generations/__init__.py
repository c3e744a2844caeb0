"""Index generations: built, verified and published as immutable versions with a pointer to the live one."""

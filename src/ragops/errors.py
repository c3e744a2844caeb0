"""Errors a user can mend. Anything else that is raised is a defect and keeps its stack trace."""


class UserError(Exception):
    """One line that names the thing, the reason and the mend; shown without a stack trace."""

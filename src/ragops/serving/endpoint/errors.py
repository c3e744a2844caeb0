"""What the platform refuses, as one line that a user can fix."""

from collections.abc import Iterator
from contextlib import contextmanager

from ragops.errors import NotPermitted, UserError, lacks


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turns the SDK's errors into UserError. `doing`: what was tried, which begins the line."""
    from databricks.sdk.errors import BadRequest, PermissionDenied, ResourceConflict, Unauthenticated
    from databricks.sdk.errors.base import DatabricksError

    try:
        yield
    except Unauthenticated as error:
        raise UserError(f"{doing}: not logged in ({line(error)}); renew the token or log in again") from error
    except PermissionDenied as error:
        rights = "CAN MANAGE on the endpoint and, as its creator does, EXECUTE"
        raise NotPermitted(f"{doing}: not permitted; {lacks(rights, 'model', line(error))}") from error
    except ResourceConflict as error:
        raise UserError(f"{doing}: somebody else is changing it ({line(error)}); run again after them") from error
    except BadRequest as error:
        raise UserError(f"{doing}: refused ({line(error)}); correct the endpoint's settings") from error
    except (DatabricksError, TimeoutError) as error:
        raise UserError(f"{doing}: the workspace does not do it now ({line(error)}); run again later") from error


def line(error: Exception) -> str:
    """What the platform said, without the client's configuration, which the SDK adds."""
    return " ".join(str(error).partition(". Config:")[0].split())[:300] or type(error).__name__

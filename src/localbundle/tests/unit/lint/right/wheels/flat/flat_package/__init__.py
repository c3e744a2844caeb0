from flat_package.reports import report  # noqa: F401


def run() -> None: ...

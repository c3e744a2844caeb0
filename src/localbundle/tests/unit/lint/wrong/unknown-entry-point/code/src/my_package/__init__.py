from my_package.reports import report as write  # noqa: F401


def run() -> None: ...

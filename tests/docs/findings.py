"""The catalogue of findings, by the topic whose checks find them."""

from collections.abc import Iterator

from ragops.monitoring.checks.all import TOPICS
from tests.docs.markdown import code, table


def lines() -> Iterator[str]:
    """A section for each topic, in the order in which they are checked."""
    for topic in TOPICS:
        yield f"## {topic.name}"
        yield ""
        if topic.sources:
            yield f"Reads: {', '.join(topic.sources)}. While one of them cannot be read, its findings stay as they are."
            yield ""
        yield from table(("finding", "meaning"), [(code(check), what) for check, what in topic.findings.items()])
        yield ""

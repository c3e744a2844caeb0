"""The smoke job passes on a working bundle, passes again, and fails on an index of other documents."""

from collections.abc import Callable

from tests.e2e.bundles import Bundle
from tests.support.needs import beyond, definitions, unused
from tests.support.recorded import Request

SMOKE = ("localbundle", "run", "smoke", "-t", "dev")
TASKS = ("probe", "write_corpus", "ingest", "embed", "publish", "check", "edit_corpus", "check_edited")


def test_smoke_follows_an_edit_and_detects_a_stale_index(
    bundle: Bundle, requested: Callable[[], list[Request]]
) -> None:
    first = bundle.run(*SMOKE)
    requests = requested()
    assert beyond(requests) == set() and unused(requests, TASKS) == set()
    assert first.stdout.index("all found in 000001-") < first.stdout.index("all found in 000002-")
    # The index still has the documents of the first run, and this run looks for its own.
    stale = bundle.run(*SMOKE, "--only", "check_edited", check=False)
    assert stale.returncode == 1
    assert "smoke: 'Who inspects the slipway?' finds notice.md first" in stale.stdout
    requested()
    assert "all found in 000004-" in bundle.run(*SMOKE).stdout
    # The probe creates a model and a prompt, with new names each time.
    assert definitions([request for request in requested() if request.task != "probe"]) == []

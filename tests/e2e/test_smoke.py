"""The smoke job passes on a bundle that works, passes again, and fails where the index is not what was laid."""

from tests.e2e.bundles import Bundle

SMOKE = ("localbundle", "run", "smoke", "-t", "dev")


def test_it_follows_an_edit_and_an_earlier_run_does_not_help(bundle: Bundle) -> None:
    first = bundle.run(*SMOKE)
    assert first.stdout.index("all found in 000001-") < first.stdout.index("all found in 000002-")
    # The index still holds what the first run laid, and this one looks for its own.
    stale = bundle.run(*SMOKE, "--only", "check_edited", check=False)
    assert stale.returncode == 1
    assert "smoke: 'Who inspects the slipway?' finds notice.md first" in stale.stdout
    assert "all found in 000004-" in bundle.run(*SMOKE).stdout

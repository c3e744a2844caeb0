"""All rules over one bundle."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.read_job import job_errors
from localbundle.definitions.references import WRONG_REFERENCE
from localbundle.definitions.yamlfile import location
from localbundle.errors import BundleError, Report
from localbundle.lint import compute, names, packages, references, tasks, volumes, wheels
from localbundle.lint.rule import BundleRule, JobContext, JobRule, Messages, Note

BUNDLE_RULES: tuple[BundleRule, ...] = (names.shared_key, names.unused_variable, names.unprefixed_name)
JOB_RULES: tuple[JobRule, ...] = (
    compute.cluster_on_serverless,
    compute.deprecated_client,
    compute.no_compute,
    compute.undefined_compute,
    compute.unknown_runtime,
    compute.unused_compute,
    compute.wrong_runtime,
    packages.missing_requirements,
    packages.missing_wheel,
    packages.replaced_package,
    references.needs_backticks,
    references.not_upstream,
    references.undeclared_parameter,
    references.unknown_member,
    tasks.misplaced_retries,
    tasks.order_of_text,
    tasks.reference_in_notebook,
    tasks.unavailable_here,
    volumes.append_on_volume,
    wheels.unknown_entry_point,
    wheels.unknown_package,
)


@dataclass(frozen=True, order=True)
class Finding:
    """Something wrong in a bundle.

    Attributes:
        file: relative to the bundle's root; empty if it concerns no file.
        line: from 1; 0 if unknown.
        message: the thing, the reason, the fix.
        rule: the rule's id.
        is_note: a note is printed, and the bundle passes.
    """

    file: str
    line: int
    message: str
    rule: str
    is_note: bool = False


def lint(bundle: Bundle, unresolved: Iterable[BundleError], check: Callable[[Bundle, Report], None]) -> list[Finding]:
    """The findings in a bundle, sorted by file and line.

    Args:
        bundle: read with its wrong references left as they are.
        unresolved: the errors of those references.
        check: reports what else a laptop refuses about the bundle.
    """
    errors = list(unresolved)
    check(bundle, errors.append)
    errors += [error for key in bundle.jobs for error in job_errors(bundle, key)]
    # A consequence of an unresolved reference is not reported a second time.
    found = {_of_error(error) for error in errors if error.rule == WRONG_REFERENCE or "${" not in error.message}
    for bundle_rule in BUNDLE_RULES:
        found |= _findings(bundle, bundle_rule, bundle_rule(bundle))
    for job in (JobContext(bundle, key, raw) for key, raw in bundle.jobs.items()):
        for rule in JOB_RULES:
            resolved = ((value, message) for value, message in rule(job) if "${" not in str(value))
            found |= _findings(bundle, rule, resolved)
    return sorted(found)


def rule_id(rule: BundleRule | JobRule) -> str:
    """The rule's name in a finding."""
    return rule.__name__.replace("_", "-")


def _findings(bundle: Bundle, rule: BundleRule | JobRule, messages: Messages) -> set[Finding]:
    return {
        Finding(*location(value, bundle.root), message, rule_id(rule), isinstance(message, Note))
        for value, message in messages
    }


def _of_error(error: BundleError) -> Finding:
    return Finding(error.file, error.line, error.message, error.rule)

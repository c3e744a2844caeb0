"""All rules over one bundle."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.normalize import EMPTY_FIELD, MISSING_FIELD, UNKNOWN_FIELD, WRONG_TYPE, WRONG_VALUE
from localbundle.definitions.read_job import CANNOT_RUN, job_errors
from localbundle.definitions.references import NEEDS_WORKSPACE, WRONG_REFERENCE
from localbundle.definitions.yamlfile import location
from localbundle.errors import BundleError, Report
from localbundle.lint import compute, names, packages, references, tasks, volumes, wheels
from localbundle.lint.rule import BundleRule, JobContext, JobRule, Messages, Note

BUNDLE_RULES: tuple[BundleRule, ...] = (names.undeclared_schema, names.unused_variable, names.unprefixed_name)
# What is not a mistake: it works on Databricks, and not here.
NOTES = (CANNOT_RUN, NEEDS_WORKSPACE, "unused-variable")
# What the Databricks CLI warns of, and `--strict` refuses.
WARNINGS = (EMPTY_FIELD, MISSING_FIELD, UNKNOWN_FIELD, WRONG_TYPE, WRONG_VALUE, "ignored-include")
Level = Literal["error", "warning", "note"]
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
        level: a bundle with errors is refused; warnings are what `--strict` refuses; notes are printed only.
    """

    file: str
    line: int
    message: str
    rule: str
    level: Level = "error"


def lint(bundle: Bundle, check: Callable[[Bundle, Report], None]) -> list[Finding]:
    """The findings in a bundle, sorted by file and line, without those of the rules that it switches off.

    Args:
        bundle: the resolved bundle.
        check: reports what else a laptop refuses about the bundle.
    """
    errors: list[BundleError] = []
    check(bundle, errors.append)
    errors += [error for key in bundle.jobs for error in job_errors(bundle, key)]
    # A consequence of an unresolved reference is not reported a second time.
    own = [error for error in errors if "${" not in error.message or error.rule in (WRONG_REFERENCE, NEEDS_WORKSPACE)]
    found = {_of_error(error) for error in (*bundle.problems, *own)}
    for bundle_rule in BUNDLE_RULES:
        found |= _findings(bundle, bundle_rule, bundle_rule(bundle))
    for job in (JobContext(bundle, key, raw) for key, raw in bundle.jobs.items()):
        for rule in JOB_RULES:
            resolved = ((value, message) for value, message in rule(job) if "${" not in str(value))
            found |= _findings(bundle, rule, resolved)
    return sorted(finding for finding in found if finding.rule not in bundle.ignore)


def rule_id(rule: BundleRule | JobRule) -> str:
    """The rule's name in a finding."""
    return rule.__name__.replace("_", "-")


def _findings(bundle: Bundle, rule: BundleRule | JobRule, messages: Messages) -> set[Finding]:
    name = rule_id(rule)
    return {
        Finding(*location(value, bundle.root), message, name, "note" if isinstance(message, Note) else level(name))
        for value, message in messages
    }


def _of_error(error: BundleError) -> Finding:
    return Finding(error.file, error.line, error.message, error.rule, level(error.rule))


def level(rule: str) -> Level:
    """How serious a rule's findings are, unless they say otherwise."""
    return "note" if rule in NOTES else "warning" if rule in WARNINGS else "error"

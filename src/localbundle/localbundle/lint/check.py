"""All rules over one bundle."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import find_job
from localbundle.definitions.yamlfile import place
from localbundle.errors import BundleError
from localbundle.lint import compute, files, names, packages, references, tasks, volumes, wheels
from localbundle.lint.rule import BundleRule, JobContext, JobRule, Note, Said

_LINE = re.compile(r"(?:(?P<file>[^:\n]+):(?P<line>\d+): )?(?P<message>.*)", re.DOTALL)
BUNDLE_RULES: tuple[BundleRule, ...] = (names.shared_key, names.unused_variable, names.unprefixed_name)
# What find_job refuses too, one at a time.
REFUSED_RULES: tuple[JobRule, ...] = (files.missing_file, tasks.wrong_dependency, tasks.misplaced_retries)
JOB_RULES: tuple[JobRule, ...] = (
    *REFUSED_RULES,
    compute.cluster_on_serverless,
    compute.deprecated_client,
    compute.no_compute,
    compute.undefined_compute,
    compute.unknown_runtime,
    compute.unused_compute,
    compute.wrong_runtime,
    files.reference_in_notebook,
    packages.missing_requirements,
    packages.missing_wheel,
    packages.replaced_package,
    references.needs_backticks,
    references.not_upstream,
    references.undeclared_parameter,
    references.unknown_member,
    tasks.order_of_text,
    volumes.append_on_volume,
    wheels.unknown_entry_point,
    wheels.unknown_package,
)


@dataclass(frozen=True, order=True)
class Finding:
    """One fault: its file relative to the bundle (empty if no line is at fault), the fix too, and the rule's id.

    A note is printed as the others are, and the bundle passes all the same.
    """

    file: str
    line: int
    message: str
    rule: str
    is_note: bool = False


def lint(bundle: Bundle, unresolved: Iterable[BundleError], check: Callable[[Bundle], None]) -> list[Finding]:
    """What is wrong in a bundle, sorted by place.

    Args:
        bundle: read with its wrong references left as they are.
        unresolved: what was said of these.
        check: what else refuses the bundle here.
    """
    found = {_finding("wrong-reference", str(error)) for error in unresolved}
    for rule in BUNDLE_RULES:
        found |= _findings(bundle, rule, rule(bundle))
    jobs = [JobContext(bundle, key, raw) for key, raw in bundle.jobs.items()]
    result = {job.key for job in jobs if any(_of_job(job, rule) for rule in REFUSED_RULES)}
    found |= {finding for job in jobs for rule in JOB_RULES for finding in _of_job(job, rule)}
    return sorted(found | set(_refusals(bundle, check, result)))


def rule_id(rule: BundleRule | JobRule) -> str:
    """What a rule is called in a finding."""
    return rule.__name__.replace("_", "-")


def _of_job(job: JobContext, rule: JobRule) -> set[Finding]:
    """What a rule says of a job. What comes of an unresolved reference needs no second finding."""
    return _findings(job.bundle, rule, ((value, message) for value, message in rule(job) if "${" not in str(value)))


def _findings(bundle: Bundle, rule: BundleRule | JobRule, said: Said) -> set[Finding]:
    return {
        _finding(rule_id(rule), f"{place(value, bundle.root)}{message}", isinstance(message, Note))
        for value, message in said
    }


def _refusals(bundle: Bundle, check: Callable[[Bundle], None], result: set[str]) -> Iterator[Finding]:
    """Why something cannot run here, unless a rule or an unresolved reference has told it already."""
    for key in (None, *bundle.jobs):
        try:
            if key is None:
                check(bundle)
            else:
                find_job(bundle, key)
        except BundleError as error:
            text = str(error)
            if "${" not in text and not any(re.search(rf"\bjob {re.escape(job)}(?![\w-])", text) for job in result):
                finding = _finding("cannot-run", text)
                yield finding if finding.file else _finding("cannot-run", place(key, bundle.root) + text)


def _finding(rule: str, text: str, is_note: bool = False) -> Finding:
    match = _LINE.fullmatch(text)
    assert match is not None  # it matches any text
    return Finding(match["file"] or "", int(match["line"] or 0), match["message"], rule, is_note)

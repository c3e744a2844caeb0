"""The packages that an installation changed, from the lists before and after it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name, parse_wheel_filename

Versions = Mapping[str, str]


@dataclass(frozen=True)
class Changes:
    """Packages by name: unchanged, added, and replaced ones with the old and the new version."""

    shipped: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict)

    def wrong(self, allowed: Iterable[str]) -> list[str]:
        """Replacements that are not allowed, in words."""
        wrong = sorted(self.replaced.keys() - set(allowed))
        return [f"{name} {self.replaced[name][0]} by {self.replaced[name][1]}" for name in wrong]

    def lines(self) -> list[str]:
        """The three lists for display."""
        replaced = [f"{name} {old} -> {new}" for name, (old, new) in sorted(self.replaced.items())]
        return [
            f"shipped ({len(self.shipped)}): {_listed(self.shipped)}",
            f"added ({len(self.added)}): {_listed(self.added)}",
            f"replaced ({len(replaced)}): {', '.join(replaced) or 'nothing'}",
        ]


def read_freeze(text: str) -> dict[str, str]:
    """Versions by name from the output of `pip freeze`; "" for packages installed from a folder."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith(("#", "-")) or not line.strip():
            continue
        name, installed, origin = line.partition(" @ ")
        name, _, version = name.partition("==")
        found[canonicalize_name(name)] = _version_in(origin) if installed else version.strip()
    return found


def _version_in(origin: str) -> str:
    file = origin.partition("#")[0].rpartition("/")[2]
    return str(parse_wheel_filename(file)[1]) if file.endswith(".whl") else ""


def compare(before: Versions, after: Versions) -> Changes:
    """The changes of an installation. A package that vanished counts as replaced by nothing."""
    changes = Changes()
    for name, version in sorted(after.items()):
        if name not in before:
            changes.added[name] = version
        elif before[name] == version:
            changes.shipped[name] = version
        else:
            changes.replaced[name] = (before[name], version)
    changes.replaced.update({name: (before[name], "nothing") for name in sorted(before.keys() - after.keys())})
    return changes


def _listed(versions: Versions) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) or "nothing"

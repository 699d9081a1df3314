#!/usr/bin/env python3
"""Checks what no compiler checks: how long files are, how they open, and who may depend on whom.

Functions' lengths are clippy's (too_many_lines). Everything here is a rule of the project that a
reviewer would otherwise have to remember.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 400
HAND_WRITTEN = {".rs", ".proto", ".sql", ".sh", ".py"}

SERVICES = {"holdfast-order", "holdfast-inventory", "holdfast-payment"}
ENGINE = {"saga-core", "saga-batch", "saga-runtime"}
# Which of our own crates a crate may depend on. Nothing but the executable's crate and the tests
# may depend on a service, and the engine depends on nothing of the shop.
MAY_DEPEND = {
    "holdfast-proto": set(),
    "saga-core": set(),
    "saga-batch": set(),
    "saga-runtime": {"saga-core", "saga-batch"},
    "holdfast-kit": {"holdfast-proto", "saga-batch"},
    **{name: {"holdfast-proto", "holdfast-kit"} | ENGINE for name in SERVICES},
    # The provider is somebody else's system behind the payment service's port.
    "holdfast-provider": {"holdfast-proto", "holdfast-kit", "holdfast-payment"} | ENGINE,
    # Only its `serve` and `api`, which put it behind gRPC; AUDIT_ALONE has the rest.
    "holdfast-audit": {"holdfast-proto", "holdfast-kit"},
    "holdfast-postgres": set(),
}
# The engine's core does no I/O, reads no clock and throws no dice.
CORE_MAY_NOT = {"tokio", "sqlx", "tonic", "chrono", "rand", "uuid", "futures"}
# Inside a service: `domain` knows nobody, `store` knows `domain`; only `api` and `convert` see the
# wire.
# The auditor shares no code with what it checks.
AUDIT_ALONE = re.compile(r"\b(holdfast_\w+|saga_\w+)::")
AUDIT_WIRE = {"api", "serve"}
LAYERS = {
    "domain": re.compile(r"\b(sqlx|tonic|prost|holdfast_proto)::|crate::(store|api|convert)\b"),
    "store": re.compile(r"\b(tonic|prost|holdfast_proto)::|crate::(api|convert)\b"),
}


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    return [pathlib.Path(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def file_problems(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, more than {LINES_MAX}"
    if path.suffix == ".rs":
        if path.name == "mod.rs":
            yield f"{path}: a module is {path.parent.name}.rs beside its directory, not mod.rs"
        if not text.startswith("//!"):
            yield f"{path}: opens without `//!` saying what it is responsible for"
    if path.suffix == ".sql" and not text.startswith("-- "):
        yield f"{path}: opens without a `-- name` line"


def forbidden_in(path):
    """What a file of a service may not name, and what it is called there."""
    parts = path.parts
    if len(parts) < 4 or parts[0] != "services" or parts[2] != "src" or path.suffix != ".rs":
        return None
    if any(part in {"tests", "tests.rs"} for part in parts):
        return None
    layer = parts[3].removesuffix(".rs")
    if parts[1] == "audit":
        return None if layer in AUDIT_WIRE | {"lib"} else ("the auditor", AUDIT_ALONE)
    return (layer, LAYERS[layer]) if layer in LAYERS else None


def layer_problems(path):
    if (rule := forbidden_in(path)) is None:
        return
    name, forbidden = rule
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#[cfg(test)]"):
            # Tests come last in a file, and may know whom they like.
            break
        if hit := forbidden.search(line.split("//")[0]):
            yield f"{path}:{number}: {name} may not know {hit.group(0)}"


def crate_problems():
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout)
    ours = {package["name"] for package in metadata["packages"]}
    for package in metadata["packages"]:
        name = package["name"]
        needed = {d["name"] for d in package["dependencies"] if d["kind"] in (None, "build")}
        if name == "saga-core":
            for dependency in sorted(needed & CORE_MAY_NOT):
                yield f"{name} may not depend on {dependency}"
        if name not in MAY_DEPEND and name not in {"holdfast", "holdfast-tests"}:
            yield f"{name} is new: say in .ci/style.py what it may depend on"
        if name in MAY_DEPEND:
            for dependency in sorted((needed & ours) - MAY_DEPEND[name]):
                yield f"{name} may not depend on {dependency}"


def main():
    problems = list(crate_problems())
    files = [path for path in tracked_files() if path.suffix in HAND_WRITTEN]
    for path in files:
        problems += file_problems(path)
        problems += layer_problems(path)
    for problem in problems:
        print(problem)
    print(f"style: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

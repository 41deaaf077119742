"""The rules of the house that linters can't express: pure rooms stay pure, rooms stay small.

import-linter (pyproject.toml) holds which room imports which, and keeps third parties out, also
through detours. It can't see the standard library's names; these tests read the syntax tree.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chaosd"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = ("chaosd", "tests", "benchmarks", "monitoring", "pictures")
"""Where Python is written; what is small enough to read is asked of all of it."""

LONGEST_FILE = 350
LONGEST_FUNCTION = 50

# Decisions: `now`, randomness and data come in, values go out.
PURE = ("core", "engine", "targets", "ports.py")

# Top-level modules that a pure room may import: an allow list, so that a new way to reach a clock,
# a thread or a network is a no until somebody adds it here on purpose.
PURE_IMPORTS = frozenset(
    """
    __future__ abc array base64 binascii bisect calendar collections contextlib copy dataclasses
    datetime decimal difflib enum fnmatch fractions functools graphlib hashlib heapq hmac
    ipaddress itertools json keyword math numbers operator random re statistics string struct
    textwrap types typing typing_extensions unicodedata urllib warnings zlib zoneinfo
    chaosd cronsim holidays msgspec
    """.split()
)

# What a pure room may not use, by full name, although its module may be imported.
IMPURE_NAMES = re.compile(
    r"""
      datetime\.(datetime\.)?(now|utcnow|today|utcfromtimestamp) | datetime\.date\.today
    | random\.(?!Random$).+         # the global generator, and the one that nobody can seed
    | urllib\.(?!parse\b).+
    """,
    re.VERBOSE,
)
# `hash` of a string differs from process to process, `id` from run to run.
IMPURE_BUILTINS = frozenset(
    "open print input breakpoint exec eval compile __import__ id hash".split()
)

# Below the daemon nothing starts a thread or sleeps, but for the sandbox, which is a program.
ABOVE = ("cli", "daemon", "sandbox", "simulation", "__main__.py")
THREADS = re.compile(
    r"""
      time\.sleep | threading\.(Thread|Timer)
    | (asyncio | concurrent | multiprocessing | sched | _thread)\b
    """,
    re.VERBOSE,
)


def room(path: Path) -> str:
    """The room that a module stands in: the first part of its path below `chaosd/`."""
    return path.relative_to(PACKAGE).parts[0]


def modules_in(*rooms: str) -> list[Path]:
    return [path for path in MODULES if room(path) in rooms]


def bindings(tree: ast.AST) -> dict[str, str]:
    """What each imported name of a module stands for: `dt` -> `datetime.datetime`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`; `import a.b as c` binds `a.b`.
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or full] = full
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """The full name of an expression like `dt.now`, if it starts at an imported name."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, names)
        return base and f"{base}.{node.attr}"
    return None


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and full name of everything that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and full name of every import, and of every use of an imported name."""
    yield from imported(tree)
    names = bindings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node, names)
            if name:
                yield node.lineno, name


def impurities(source: str) -> Iterator[tuple[int, str]]:
    """The line and kind of everything in a module that makes its answers depend on the world."""
    tree = ast.parse(source)
    names = bindings(tree)
    for line, name in imported(tree):
        if name.partition(".")[0] not in PURE_IMPORTS:
            yield line, f"imports {name}"
    for line, name in uses(tree):
        if IMPURE_NAMES.fullmatch(name):
            yield line, f"uses {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from impure_call(node, names)


def impure_call(node: ast.Call, names: dict[str, str]) -> Iterator[tuple[int, str]]:
    called, bare = node.func, not node.args and not node.keywords
    if isinstance(called, ast.Name) and called.id in IMPURE_BUILTINS:
        yield node.lineno, f"calls {called.id}()"
    if bare and dotted(called, names) == "random.Random":
        yield node.lineno, "makes a Random without a seed"
    if bare and isinstance(called, ast.Attribute) and called.attr == "astimezone":
        yield node.lineno, "takes the machine's time zone (astimezone without one)"


def reported(path: Path, findings: Iterator[tuple[int, str]]) -> list[str]:
    where = path.relative_to(ROOT)
    return [f"{where}:{line} {what}" for line, what in sorted(set(findings))]


def test_pure_rooms_reach_no_clock_network_thread_or_global_random() -> None:
    """What core, engine and targets answer depends on their arguments alone."""
    assert modules_in(*PURE), "no pure module found: has the package moved?"
    found = [
        line for path in modules_in(*PURE) for line in reported(path, impurities(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic as now",
        "import os.path",
        "def f():\n    import threading",
        "from datetime import datetime as dt\ndt.now(tz=None)",
        "import datetime\nfield(default_factory=datetime.datetime.utcnow)",
        "from datetime import date\ndate.today()",
        "import random\nrandom.random()",
        "from random import shuffle",
        "from random import Random\nRandom()",
        "from urllib.request import urlopen",
        "when.astimezone()",
        "hash('web')",
        "open('x')",
        "__import__('time')",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    """Each known way to a clock, a file, a thread or chance is found, also under another name."""
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, timedelta\ndatetime.fromtimestamp(0, tz)",
        "from random import Random\nRandom(7).random()",
        "import random\ndef f(rng: random.Random) -> float: return rng.random()",
        "clock.now()",
        "when.astimezone(zone)",
        "from urllib.parse import quote\nquote('x')",
        "import re\nre.compile('x')",
    ],
)
def test_a_pure_module_passes(source: str) -> None:
    """What takes its time and chance as arguments is not complained about."""
    assert list(impurities(source)) == []


def test_nothing_below_the_daemon_starts_a_thread_or_sleeps() -> None:
    """Threads and waiting belong to the daemon, so that everything else runs in virtual time."""
    found = [
        line
        for path in MODULES
        if room(path) not in ABOVE
        for line in reported(
            path,
            (
                (number, f"uses {name}")
                for number, name in uses(ast.parse(path.read_text()))
                if THREADS.match(name)
            ),
        )
    ]
    assert found == []


def test_files_and_functions_are_small() -> None:
    """A file can be read at a sitting, a function on a screen."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        source = path.read_text()
        lines = len(source.splitlines())
        where = path.relative_to(ROOT)
        if lines > LONGEST_FILE:
            found.append(f"{where} has {lines} lines, more than {LONGEST_FILE}")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    found.append(
                        f"{where}:{node.lineno} {node.name} has {length} lines,"
                        f" more than {LONGEST_FUNCTION}"
                    )
    assert found == []


def test_every_folder_of_tests_is_a_package() -> None:
    """Two tests of the same name in different folders don't hide each other."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []


LOCK_LINE = re.compile(
    r"""
      [a-z0-9-]+==[\w.!+]+ ([ ];[ ][^\\]+)? [ ]\\    # name==version, perhaps a marker
    | [ ]{4}--hash=sha256:[0-9a-f]{64} ([ ]\\)?
    | [ ]{4}\#[ ]via[ ][\w\[\]., ():-]+              # who needs it
    """,
    re.VERBOSE,
)
LOCKS = ("requirements.txt", "requirements-dev.txt")
EXTRA_LOCKS = ("requirements-aws.txt",)


def locked(name: str) -> dict[str, str]:
    """The version of each package in a lock file."""
    found = re.findall(r"^([\w-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("name", LOCKS + EXTRA_LOCKS)
def test_a_lock_file_holds_only_versions_and_hashes(name: str) -> None:
    """Any index or mirror can serve it: no address, option or path stands in it."""
    lines = (ROOT / name).read_text().splitlines()
    assert lines
    assert [line for line in lines if not LOCK_LINE.fullmatch(line)] == []


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_everything_imported_is_a_declared_dependency() -> None:
    """chaosd does not lean on a package that only happens to come along with another."""
    told = project()["project"]
    extras = [text for extra in told["optional-dependencies"].values() for text in extra]
    declared = {Requirement(text).name for text in (*told["dependencies"], *extras)}
    distributions = packages_distributions()
    found = set()
    for path in MODULES:
        for line, name in imported(ast.parse(path.read_text())):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top == "chaosd":
                continue
            # Distribution names compare without case, and with "-" for "_" and ".".
            sources = {re.sub(r"[-_.]+", "-", d).lower() for d in distributions.get(top, [])}
            if not sources & declared:
                found.add(f"{path.relative_to(ROOT)}:{line} imports {top}, not in pyproject.toml")
    assert sorted(found) == []


def test_lock_files_fit_the_project_file_and_each_other() -> None:
    """A dependency added without `make lock` is noticed here and not by a user."""
    runtime, everything = (locked(name) for name in LOCKS)
    assert runtime.items() <= everything.items()
    wanted = [(runtime, text) for text in project()["project"]["dependencies"]]
    wanted += [(everything, text) for text in project()["dependency-groups"]["dev"]]
    for extra, texts in project()["project"]["optional-dependencies"].items():
        versions = locked(f"requirements-{extra}.txt")
        assert runtime.items() <= versions.items()
        assert versions.items() <= everything.items()
        wanted += [(versions, text) for text in texts]
    unmet = [
        text
        for versions, text in wanted
        for need in [Requirement(text)]
        if need.name not in versions or versions[need.name] not in need.specifier
    ]
    assert unmet == []

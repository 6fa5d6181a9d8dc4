"""The house keeps its plan: which room may import which, what the pure rooms may not touch, a test for each file."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "respstore"

# Doors open towards the rooms named: a room may import these, itself, and nothing else of respstore.
COMMON = {"own_errors", "errors", "numbers", "wording"}
DOORS: dict[str, set[str]] = {
    "errors": {"wording"},
    "own_errors": {"errors", "wording"},
    "exceptions": set(),
    "numbers": set(),
    "wording": set(),
    "keyspace": COMMON,
    "protocol": COMMON,
    "config": {"exceptions", *COMMON, "protocol"},
    "ports": {"exceptions"},
    "engine": {"exceptions", *COMMON, "keyspace", "protocol", "config"},
    "persistence": {*COMMON, "keyspace", "protocol", "config"},
    "scripting": {*COMMON, "keyspace", "protocol", "engine"},
    "commands": {"exceptions", *COMMON, "keyspace", "protocol", "config", "engine", "persistence", "scripting"},
    "server": {"exceptions", *COMMON, "keyspace", "protocol", "config", "ports", "engine", "persistence", "commands"},
    "store": {"exceptions", *COMMON, "server"},
    "transfer": {"keyspace", "config", "engine", "persistence", "server"},
    "cli": {"exceptions", "errors", "wording", "config", "ports", "server", "transfer"},
    "pytest_plugin": {"server"},
    "torch": {"exceptions", "ports", "server", "store"},
}
PURE = {"protocol", "keyspace", "engine", "persistence", "scripting", "commands"}
"""Rooms that the outside reaches only through what they are given: their tests need no clock, socket or loop."""
IMPURE_MODULES = {"trio", "socket", "ssl", "os", "time", "select", "signal", "threading", "subprocess", "asyncio"}
# `random` is a type there: the generator itself is handed to the Engine.
RANDOM_NAMES = {"Random"}

WITHOUT_CODE = {"engine/system.py"}  # a Protocol class: what it says is checked by mypy


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of each import in a file; the name is empty for `import module`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                yield node.module or "", alias.name


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_through_the_doors(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for module, name in imports(path):
        if module == "respstore" and (PACKAGE / name).exists() | (PACKAGE / f"{name}.py").exists():
            module = f"respstore.{name}"
        parts = module.split(".")
        if parts[0] == "respstore" and len(parts) > 1:
            assert parts[1] in DOORS[room] | {room}, f"{room} may not import {module}"
        if room in PURE:
            assert parts[0] not in IMPURE_MODULES, f"{room} may not import {module}"
            assert parts[0] != "random" or name in RANDOM_NAMES, f"{room} is given its randomness"


def test_every_room_has_its_doors() -> None:
    rooms = {room_of(path) for path in sources()} - {"__init__", "__main__"}

    assert rooms == set(DOORS)


@pytest.mark.parametrize(
    "path",
    [path for path in sources() if path.name not in ("__init__.py", "__main__.py")],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_every_file_has_its_tests(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    # tests/ needs no torch: what does stands in compat/.
    folder = "compat" if room_of(path) == "torch" else "tests"
    tests = ROOT / folder / relative.parent / f"test_{relative.name}"

    if str(relative) in WITHOUT_CODE:
        return
    assert tests.exists(), f"{relative} has no {tests.relative_to(ROOT)}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_holds_mutable_state(path: Path) -> None:
    """Two servers live in one process. A module-level list, dict or set is a constant: named or annotated as one."""
    for node in ast.parse(path.read_text()).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(target, ast.Name) or target.id == "__all__":
            continue
        value = getattr(node, "value", None)
        mutable = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        assert not mutable or target.id.isupper() or target.id.strip("_").isupper(), f"{path}: {target.id}"


@pytest.mark.parametrize("module", ["errors", "own_errors"])
def test_every_error_text_has_its_user(module: str) -> None:
    texts = {
        target.id
        for node in ast.parse((PACKAGE / f"{module}.py").read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    used = {
        node.attr
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module
    }

    assert texts
    assert not texts - used


def test_importing_respstore_imports_no_torch() -> None:
    code = """import respstore, sys
for name in respstore.__all__:
    getattr(respstore, name)
assert "torch" not in sys.modules"""

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

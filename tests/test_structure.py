"""The package's own structure: rooms import one way, and modules stay readable.

A room is a folder of `skreg`. The last line of its docstring names the rooms that it
imports. It hands on what other rooms use of it: they import no module of its inside.
"""

import ast
import importlib
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import skreg

PACKAGE = Path(skreg.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))
DESIGN = (PACKAGE.parent / "docs" / "design.md").read_text()
MOST_ENTRIES, MOST_LINES, MOST_FUNCTION_LINES = 14, 300, 50
REASON = "is long because"  # in the docstring of a module that is longer


def name_of(path):
    parts = ("skreg", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in FILES}


def room_of(name):
    """The room that a module is in, or its own name where it is in none."""
    return (*name.split("."), "")[1]


def imports_of(path):
    """(module, name) of all that a module imports of the package, in functions too.

    The name is None where the module itself is imported.
    """
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                full = ".".join([*base, alias.name])
                yield (full, None) if full in NAMES else (".".join(base), alias.name)


def assert_one_way(graph):
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(f"a circle: {' <- '.join(error.args[1])}") from error


def test_modules_import_one_way():
    graph = {name_of(p): {module for module, _ in imports_of(p)} for p in FILES}
    assert graph["skreg"] >= {"skreg.estimators", "skreg.stacking"}
    assert_one_way({name: found - {name} for name, found in graph.items()})


def imported_rooms():
    """For each room the rooms that its modules import."""
    graph = {}
    for path in FILES:
        room = room_of(name_of(path))
        found = {room_of(module) for module, _ in imports_of(path)}
        graph.setdefault(room, set()).update(found - {room})
    return graph


def test_rooms_import_one_way():
    graph = imported_rooms()
    assert graph["estimators"] >= {"engine", "fitting", "stacking"}
    assert_one_way(graph)


@pytest.mark.parametrize("room", sorted({*ROOMS} - {"datasets"}))
def test_a_room_imports_what_it_says(room):
    """Its docstring says so, and so does the table in docs/design.md."""
    doc = importlib.import_module(f"skreg.{room}").__doc__
    said = re.search(r"\n\nMay import: (.*)\.\n$", doc)[1]
    allowed = set() if said == "nothing else of skreg" else set(said.split(", "))
    assert imported_rooms()[room] - {"typing"} == allowed
    row = re.search(rf"^\| `{room}` \| .* \| (.*) \|$", DESIGN, re.M)
    assert row[1] == said.removesuffix(" else of skreg")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_rooms_inside_is_its_own(path):
    """Other rooms import the room, of its `__all__`, and not its modules."""
    own = room_of(name_of(path))
    used = [
        (module, name)
        for module, name in imports_of(path)
        if room_of(module) != own and room_of(module) in ROOMS
    ]
    for module, name in used:
        assert module in NAMES
        assert module.count(".") == 1, f"{module} is inside of a room"
        if name is not None:
            assert name in importlib.import_module(module).__all__
    modules = {room_of(module) for module, name in used if name is None}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            room = node.value.id
            if room in modules:
                assert node.attr in importlib.import_module(f"skreg.{room}").__all__


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_hands_on_hides_no_module_of_it(room):
    modules = {path.stem for path in (PACKAGE / room).glob("*.py")}
    assert not modules & set(importlib.import_module(f"skreg.{room}").__all__)


def test_the_engine_and_the_stacks_know_nothing_of_scikit_learn():
    for path in FILES:
        if path.parent.name in ("engine", "stacking"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    found = [alias.name for alias in node.names]
                    found.append(getattr(node, "module", None) or "")
                    assert not any(n.startswith("sklearn") for n in found), path.name


def test_the_house_can_be_taken_in_at_a_glance():
    entries = [p.name for p in PACKAGE.iterdir() if not p.name.startswith("__pycache")]
    assert len(entries) <= MOST_ENTRIES


def test_tests_lie_in_folders_of_the_rooms_names():
    folders = {p.parent.name for p in Path(__file__).parent.glob("*/test_*.py")}
    assert folders == {*ROOMS} - {"datasets"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_and_functions_are_short_or_say_why_not(path):
    text = path.read_text()
    tree = ast.parse(text)
    if text.count("\n") > MOST_LINES:
        assert REASON in ast.get_docstring(tree), "of a long module"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            length = node.end_lineno - start
            names = [a.arg for a in node.args.args + node.args.kwonlyargs]
            is_signature = node.name == "__init__" and len(names) > 30
            assert length <= MOST_FUNCTION_LINES or is_signature, node.name


def test_the_fast_tests_exist():
    lines = (PACKAGE.parent / "tests" / "fast.txt").read_text().splitlines()
    assert lines
    for line in lines:
        path, _, name = line.partition("::")
        text = (PACKAGE.parent / path).read_text()
        assert f"def {name.partition('[')[0]}(" in text or not name, line

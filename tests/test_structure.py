"""The package's own structure: imports point one way, and modules stay readable."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import skreg

PACKAGE = Path(skreg.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES = 300, 50
REASON = "is long because"  # in the docstring of a module that is longer


def name_of(path):
    parts = ("skreg", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in FILES}


def imports_of(path):
    """The modules of the package that a module imports, in functions too."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                full = ".".join([*base, alias.name])
                yield full if full in NAMES else ".".join(base)


def test_imports_point_one_way():
    graph = {name_of(path): set(imports_of(path)) for path in FILES}
    assert graph["skreg"] >= {"skreg.estimators.classifier", "skreg.stacking.context"}
    graph = {name: found - {name} for name, found in graph.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(f"a circle: {' <- '.join(error.args[1])}") from error


def test_the_engine_imports_nothing_of_what_it_serves():
    for path in FILES:
        if path.parent.name == "engine":
            found = {n for n in imports_of(path) if not n.startswith("skreg.engine")}
            assert not found, path.name


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

"""The README's code runs, and the two docstrings agree where the parameters do."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, datasets

ROOT = Path(__file__).parent.parent


def printed_by_the_code_of(page, n_blocks, folder):
    """The lines that a page's Python blocks print, pasted one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
    assert len(blocks) == n_blocks
    command = [sys.executable, "-c", "\n".join(blocks)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_the_readme_runs(tmp_path):
    (best,) = printed_by_the_code_of("README.md", 1, tmp_path)
    assert "dropout" in best


def test_the_documentations_front_page_runs(tmp_path):
    first, *_ = printed_by_the_code_of("docs/index.md", 1, tmp_path)
    assert ": " in first  # the verdict and its reason


def test_the_page_of_features_runs(tmp_path):
    (best,) = printed_by_the_code_of("docs/features.md", 2, tmp_path)
    assert "dropout" in best
    assert (tmp_path / "network.keras").stat().st_size > 10_000


def test_the_page_for_teams_runs(tmp_path):
    for name in ("skops", "skl2onnx", "onnxruntime"):
        pytest.importorskip(name)
    said = printed_by_the_code_of("docs/teams.md", 7, tmp_path)
    versions, unknown, *same, spread = said
    assert f"'skreg': '{skreg.__version__}'" in versions
    assert re.findall(r"skreg[\w.]*", unknown) == ["skreg.MLPRegularizedClassifier"]
    assert same == ["True"] * 4
    usual, broken = re.findall(r"\d\.\d+", spread)
    assert float(usual) < float(broken)


def test_the_page_for_those_who_come_from_elsewhere_runs(tmp_path):
    if importlib.util.find_spec("scikeras") is None:
        pytest.skip("SciKeras is the extra 'scikeras'")
    found = printed_by_the_code_of("docs/coming_from.md", 9, tmp_path)
    assert found == ["(32,) 0.2 0.001 0.001", "True"]


def test_the_list_of_parameters_has_them_all():
    text = (ROOT / "docs" / "features.md").read_text()
    for kind in (MLPRegularizedClassifier, MLPRegularizedRegressor):
        for name in kind().get_params():
            assert f"`{name}`" in text, name


def public_objects():
    """Every public class and function, and the methods and properties of classes."""
    for module in (skreg, datasets):
        for name in module.__all__:
            thing = getattr(module, name)
            yield name, thing
            for method, found in inspect.getmembers(
                thing if inspect.isclass(thing) else None
            ):
                found = found.fget if isinstance(found, property) else found
                is_own = (getattr(found, "__module__", "") or "").startswith("skreg")
                if inspect.isclass(thing) and method[0] != "_" and is_own:
                    yield f"{name}.{method}", found


def test_everything_public_has_a_docstring_and_types():
    found = dict(public_objects())
    assert len(found) > 60
    for name, thing in found.items():
        assert inspect.getdoc(thing), name
        function = thing.__init__ if inspect.isclass(thing) else thing
        signature = inspect.signature(function)
        parts = {"return": signature.return_annotation}
        parts |= {k: p.annotation for k, p in signature.parameters.items()}
        missing = {k for k, kind in parts.items() if kind is inspect.Parameter.empty}
        assert missing <= {"self", "cls"}, (name, missing)


def test_every_public_class_and_function_has_an_example():
    for module in (skreg, datasets):
        for name in module.__all__:
            _, _, examples = inspect.getdoc(getattr(module, name)).partition("Examples")
            assert ">>>" in examples or "See `save`" in examples, name


def entries(kind):
    """The docstring's entries of parameters and attributes, by their first line."""
    found = re.split(r"\n\n(?=\w[\w, ]* : )", inspect.getdoc(kind))[1:]
    return {entry.split(" : ")[0]: entry for entry in found}


@pytest.mark.parametrize("kind", [MLPRegularizedClassifier, MLPRegularizedRegressor])
def test_every_parameter_is_documented_with_its_default(kind):
    documented = {}
    for names, entry in entries(kind).items():
        documented |= dict.fromkeys(names.split(", "), entry)
    first = inspect.getdoc(kind).split("----------\n")[1].split("\n\n")[0]
    documented["hidden_layer_sizes"] = first
    for name, parameter in inspect.signature(kind).parameters.items():
        default = repr(parameter.default).replace("'", '"')
        assert f"default={default}" in documented[name].splitlines()[0], name


def test_shared_parameters_are_described_alike():
    ours, theirs = entries(MLPRegularizedClassifier), entries(MLPRegularizedRegressor)
    differ = {"normalize", "early_stopping", "monitor", "loss", "warm_start"}
    differ |= {"history_", "model_", "random_state", "quantile", "class_weight"}
    shared = (set(ours) & set(theirs)) - differ
    assert len(shared) > 30
    for names in shared:
        assert ours[names] == theirs[names]


def test_the_sonar_example_runs(tmp_path):
    """The main job, with its tables, its conclusion and its figure."""
    figure = tmp_path / "sonar.png"
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "sonar_search.py", figure],
        capture_output=True,
        text=True,
        check=True,
    )
    said = result.stdout
    training, new = re.findall(r"accuracy on .* echoes +(\d\.\d+)", said)
    assert float(training) > 0.98 > float(new), "the overfit is seen"
    for row in ("as it is", "dropout 0.5", "l2 0.01", "batch normalisation"):
        scores = re.findall(rf"^{row} +-?\d\.\d+ +(-?\d\.\d+)", said, re.M)
        assert len(scores) >= 2, row
    _, conclusion = said.split("In words")
    assert len(re.findall("^- ", conclusion, re.M)) == 6
    assert figure.stat().st_size > 20_000

"""Public names: they are skreg's own, wherever the modules lie that define them."""

import doctest
import inspect
import pickle

import pytest

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.datasets import load_sonar

X, Y = load_sonar()


def test_public_classes_and_functions_say_skreg_as_their_module():
    for name in skreg.__all__:
        assert getattr(skreg, name).__module__ == "skreg"


@pytest.fixture(scope="module")
def network():
    return MLPRegularizedClassifier((4,), epochs=9, n_members=2, random_state=0)


def searched(network):
    search = skreg.RegularizationSearchCV(network, n_iter=3, cv=2, random_state=0)
    return search.fit(X, Y)


@pytest.mark.parametrize(
    "make",
    [
        lambda network: network.fit(X, Y),
        lambda network: MLPRegularizedRegressor((4,), epochs=2).fit(X, X[:, 0]),
        lambda network: network.fit(X, Y).diagnose(X, Y, cv=2),
        lambda network: skreg.compare_remedies(
            X, Y, network, cv=2, repeats=1, remedies={"dropout": {"dropout": 0.5}}
        ),
        searched,
        lambda network: skreg.stacked,
    ],
    ids=["ensemble", "regressor", "diagnosis", "report", "search", "function"],
)
def test_a_pickle_names_no_module_of_the_inside(network, make):
    pickled = pickle.dumps(make(network), protocol=0)
    assert b"cskreg\n" in pickled  # "c" stands before a module and a name
    assert b"skreg." not in pickled


def examples_of_methods():
    """Examples in the methods of public classes.

    pytest finds a class's own example in the module that the class says it is of, but
    not those of its methods, whose code is of another.
    """
    finder = doctest.DocTestFinder(exclude_empty=True)
    classes = [c for c in map(vars(skreg).get, skreg.__all__) if inspect.isclass(c)]
    found = [t for c in classes for t in finder.find(c, c.__name__, False, {})]
    return [test for test in found if "." in test.name and test.examples]


def test_there_are_examples_of_methods():
    names = {test.name for test in examples_of_methods()}
    both = {f"MLPRegularized{kind}.from_keras" for kind in ("Classifier", "Regressor")}
    assert names >= both | {"MLPRegularizedClassifier.partial_fit"}


@pytest.mark.parametrize("test", examples_of_methods(), ids=lambda test: test.name)
def test_examples_of_methods_run(test):
    printed = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=printed.append)
    assert not result.failed, "".join(printed)

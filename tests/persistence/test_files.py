"""`save` and `load`: the same estimator again, and nothing else from strange files."""

import copy
import io
import json
import os
import random
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from fractions import Fraction
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skreg
from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor, stacking
from skreg.engine import keras
from skreg.persistence import storage
from skreg.persistence.contents import network_content
from tests.support import plain_classifier

X, Y = make_classification(200, 6, random_state=0)
FAST = {"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0}
FORMAT_1 = Path(__file__).parents[1] / "data" / "format-1.skreg"


def keras_sgd():
    schedule = keras().optimizers.schedules.CosineDecay(0.1, 50)
    return keras().optimizers.SGD(schedule, momentum=0.5, nesterov=True)


CASES = {
    "classifier": lambda: MLPRegularizedClassifier(**FAST).fit(X, Y),
    "whole numbers": lambda: MLPRegularizedClassifier(
        **FAST, dropout=0, l2=0, class_weight={0: 1, 1: 2}
    ).fit(X, Y),
    "strings": lambda: MLPRegularizedClassifier(
        **FAST, class_weight={"no": 1.0, "yes": 2.0}
    ).fit(X, np.array(["no", "yes"], object)[Y]),
    "multilabel": lambda: MLPRegularizedClassifier(**FAST).fit(
        *make_multilabel_classification(100, 6, n_classes=3, random_state=0)
    ),
    "every remedy": lambda: MLPRegularizedClassifier(
        (8, 4),
        epochs=30,
        dropout=[0.1, 0.2],
        batchnorm=True,
        max_norm=2.0,
        gaussian_noise=0.1,
        l1=1e-4,
        early_stopping=True,
        optimizer="nadam",
        random_state=np.random.RandomState(3),
    ).fit(X, Y),
    "regressor": lambda: MLPRegularizedRegressor(**FAST).fit(X, 5 * X[:, 0] + 3),
    "several targets": lambda: MLPRegularizedRegressor(**FAST).fit(X, X[:, :2]),
    "ensemble": lambda: MLPRegularizedClassifier(**FAST, n_members=3).fit(X, Y),
    "Keras's objects": lambda: MLPRegularizedClassifier(
        **FAST, optimizer=keras_sgd(), initializer=keras().initializers.HeUniform()
    ).fit(X, Y),
}


@pytest.fixture(scope="module", params=list(CASES))
def fitted(request):
    return CASES[request.param]()


@pytest.fixture(scope="module")
def network():
    return CASES["classifier"]()


def outputs(network, X=X):
    give = getattr(network, "predict_proba", network.predict)
    return give(X)


def test_a_loaded_estimator_is_the_same_and_trains_on(fitted, tmp_path):
    skreg.save(fitted, tmp_path / "a")
    loaded = skreg.load(tmp_path / "a")
    np.testing.assert_array_equal(outputs(loaded), outputs(fitted))
    assert loaded.history_ == fitted.history_
    assert loaded.loss_curve_ is loaded.history_["loss"]
    assert (loaded.n_iter_, loaded.best_epoch_) == (fitted.n_iter_, fitted.best_epoch_)
    assert repr_of_settings(loaded) == repr_of_settings(fitted)
    other, y = copy.deepcopy(fitted), fitted.predict(X)
    for estimator in (other, loaded):
        estimator.partial_fit(X, y)
    np.testing.assert_array_equal(outputs(loaded), outputs(other))
    assert not np.array_equal(outputs(loaded), outputs(fitted))


def repr_of_settings(network):
    """The parameters, and those of the parameters that are objects."""
    parameters = network.get_params()
    configs = [v.get_config() for v in parameters.values() if hasattr(v, "get_config")]
    names = parameters.keys() - {"optimizer", "initializer", "random_state"}
    return repr([(name, parameters[name]) for name in sorted(names)]), repr(configs)


def test_training_goes_on_as_if_there_had_been_no_file(tmp_path):
    """The optimizer's slots, the schedule's step and the noise all go on."""
    parts = plain_classifier((8,), epochs=4, dropout=0.3, random_state=0)
    whole = plain_classifier((8,), epochs=4, dropout=0.3, random_state=0)
    for _ in range(2):
        parts.partial_fit(X, Y, classes=[0, 1])
        skreg.save(parts, tmp_path / "a")
        parts = skreg.load(tmp_path / "a")
        whole.partial_fit(X, Y, classes=[0, 1])
    np.testing.assert_array_equal(outputs(parts), outputs(whole))


def test_a_function_of_keras_is_known_by_its_name(tmp_path):
    function = keras().activations.tanh
    skreg.save(MLPRegularizedClassifier(activation=function), tmp_path / "a")
    assert skreg.load(tmp_path / "a").activation == "tanh"


def test_an_unfitted_estimator(tmp_path):
    skreg.save(MLPRegularizedRegressor(l2=0.5), tmp_path / "a")
    loaded = skreg.load(tmp_path / "a")
    assert loaded.get_params() == MLPRegularizedRegressor(l2=0.5).get_params()
    with pytest.raises(NotFittedError):
        loaded.predict(X)


def test_feature_names_stay(tmp_path):
    pandas = pytest.importorskip("pandas", reason="optional")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    skreg.save(MLPRegularizedClassifier(**FAST).fit(frame, Y), tmp_path / "a")
    loaded = skreg.load(tmp_path / "a")
    assert loaded.feature_names_in_.tolist() == list("abcdef")
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame.rename(columns={"a": "z"}))


def test_the_file_is_json_and_arrays(network, tmp_path):
    skreg.save(network, tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert archive.namelist() == ["skreg.json", "arrays"]
        content = json.loads(archive.read("skreg.json"))
    values = dict(content["dict"])
    assert values["format"] == 1
    versions = dict(values["versions"]["dict"])
    assert versions["skreg"] == skreg.__version__
    assert versions["numpy"] == np.__version__


# --- files of earlier versions


def format_1():
    """How the file was made that lies in tests/data."""
    return MLPRegularizedClassifier(
        (4,), epochs=2, batchnorm=True, dropout=0.1, random_state=0
    ).fit(X, np.array(["no", "yes"])[Y])


def test_a_file_of_format_1_can_be_read():
    loaded = skreg.load(FORMAT_1)
    expected = np.load(FORMAT_1.with_suffix(".npy"))
    np.testing.assert_allclose(loaded.predict_proba(X), expected, atol=1e-6)
    assert loaded.classes_.tolist() == ["no", "yes"]
    assert loaded.n_iter_ == 2
    for name in {*dir(loaded)} - {"model_"}:  # editors look them up
        getattr(loaded, name)
    assert "MLPRegularizedClassifier" in loaded._repr_html_()
    before = loaded.history_["loss"][-1]
    for _ in range(10):
        loaded.partial_fit(X, np.array(["no", "yes"])[Y])
    assert loaded.history_["loss"][-1] < before


def test_a_file_without_a_newer_parameter_has_its_default(network, tmp_path):
    content = storage.read(saved(network, tmp_path), "estimator")
    del content["estimator"]["parameters"]["negative_slope"]
    storage.write(tmp_path / "b", "estimator", content)
    assert skreg.load(tmp_path / "b").negative_slope == 0.2


# --- writing


def saved(network, folder):
    skreg.save(network, folder / "saved")
    return folder / "saved"


def test_a_write_that_fails_leaves_the_old_file(network, tmp_path, monkeypatch):
    path = saved(network, tmp_path)
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        skreg.save(network, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["saved"]


def test_the_file_has_the_rights_that_files_have(network, tmp_path):
    (tmp_path / "other").touch()
    mode = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert stat.S_IMODE(saved(network, tmp_path).stat().st_mode) == mode


# --- what is at the path already

WRITERS = {
    "save": skreg.save,
    "save_weights": lambda network, path: network.save_weights(path),
    "checkpoint": lambda network, path: MLPRegularizedClassifier(
        **FAST, checkpoint=path
    ).fit(X, Y),
    "a search's result": lambda network, path: storage.write(
        path, "result", {"state": 1}, durable=False
    ),
}


@pytest.fixture(params=list(WRITERS))
def write(request, network):
    return lambda path: WRITERS[request.param](network, path)


def test_a_link_stays_one(write, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("there", "new"):
        target, link = tmp_path / "folder" / name, tmp_path / f"link to {name}"
        link.symlink_to(target)
        if name == "there":
            write(target)
            first = target.read_bytes()
            target.write_bytes(first)
        write(link)
        assert link.is_symlink()
        assert target.read_bytes()[:2] == b"PK"
    assert sorted(os.listdir(tmp_path / "folder")) == ["new", "there"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_permissions_stay(write, mode, tmp_path):
    path = tmp_path / "net"
    write(path)
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="not root")
def test_the_owner_stays(write, tmp_path):
    path = tmp_path / "net"
    write(path)
    os.chown(path, 1234, 1235)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)


def test_names_may_be_as_long_as_the_file_system_has_them(write, tmp_path):
    path = tmp_path / ("n" * 255)
    write(path)
    write(path)
    assert os.listdir(tmp_path) == [path.name]


def test_a_pipe_is_written_to(network, tmp_path):
    """A device or a pipe is not replaced by a file."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    skreg.save(MLPRegularizedClassifier(), path)
    assert os.read(end, 2) == b"PK"
    os.close(end)
    assert stat.S_ISFIFO(path.stat().st_mode)


# --- values

LABELS = {
    "dates": np.array(["2026-01-01", "2026-06-01"], "datetime64[D]"),
    "times": np.array(["2026-01-01T10", "2026-06-01T11"], "datetime64[ns]"),
    "long": np.array([0, 1], np.longdouble),
    "booleans": np.array([False, True]),
}


@pytest.mark.parametrize("kind", list(LABELS))
def test_labels_that_fit_takes_can_be_saved(kind, tmp_path):
    labels = LABELS[kind]
    path = tmp_path / "checkpoint"
    network = MLPRegularizedClassifier(**FAST, checkpoint=path).fit(X, labels[Y])
    for loaded in (skreg.load(saved(network, tmp_path)), skreg.load(path)):
        np.testing.assert_array_equal(loaded.classes_, network.classes_)
        assert loaded.classes_.dtype == network.classes_.dtype
        np.testing.assert_array_equal(loaded.predict(X), network.predict(X))


@pytest.mark.parametrize(
    "value", [np.longdouble(0.25), np.float16(0.25), Fraction(1, 4), np.array(0.25)[()]]
)
def test_numbers_that_fit_takes_can_be_saved(value, tmp_path):
    parameters = FAST | {
        "dropout": value,
        "min_delta": value,
        "class_weight": {0: value},
    }
    path = tmp_path / "checkpoint"
    network = MLPRegularizedClassifier(**parameters, checkpoint=path).fit(X, Y)
    loaded = skreg.load(saved(network, tmp_path))
    assert loaded.dropout == loaded.min_delta == loaded.class_weight[0] == 0.25
    assert skreg.load(path).dropout == 0.25


def test_dates_as_keys_of_class_weights(tmp_path):
    first, second = LABELS["dates"]
    network = MLPRegularizedClassifier(**FAST, class_weight={first: 2, second: 1})
    network.fit(X, LABELS["dates"][Y])
    loaded = skreg.load(saved(network, tmp_path))
    assert loaded.class_weight == {first: 2, second: 1}


def test_what_a_file_cannot_hold_is_refused_before_training(tmp_path, monkeypatch):
    def train(structure, jobs):
        raise AssertionError("trains")

    monkeypatch.setattr(stacking, "train", train)
    network = MLPRegularizedClassifier(
        activation=lambda x: x, checkpoint=tmp_path / "checkpoint"
    )
    with pytest.raises(ValueError, match="'activation' parameter cannot be stored"):
        network.fit(X, Y)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        (lambda: {"activation": keras().ops.sin}, "activation"),
        (
            lambda: {"initializer": keras().initializers.Constant(np.ones((6, 8)))},
            "initializer",
        ),
        (lambda: {"callbacks": [keras().callbacks.TerminateOnNaN()]}, "callbacks"),
        (lambda: {"initializer": lambda shape, dtype: np.ones(shape)}, "initializer"),
    ],
    ids=["activation", "array", "callbacks", "initializer"],
)
def test_what_would_need_code_is_refused_by_name(parameters, named, tmp_path):
    network = MLPRegularizedClassifier(**FAST, **parameters())
    with pytest.raises(ValueError, match=f"'{named}' parameter cannot be stored"):
        skreg.save(network, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def of_half_precision(network):
    """As a network that came from Keras could once be."""
    state = copy.deepcopy(network._state)
    state["structure"]["dtype"] = "float16"
    arrays = state["weights"]
    state["weights"] = {name: a.astype("float16") for name, a in arrays.items()}
    return with_attributes(network, _state=state)


def with_attributes(network, **attributes):
    network = copy.copy(network)
    vars(network).update(attributes)
    return network


UNREADABLE = {
    "half precision": (of_half_precision, "structure is not valid: dtype='float16'"),
    "classes in another order": (
        lambda n: with_attributes(n, classes_=n.classes_[::-1]),
        "its classes is not valid",
    ),
    "history": (
        lambda n: with_attributes(n, history_={"loss": [0.5]}),
        "its history is not valid",
    ),
    "a member": (
        lambda n: with_attributes(n, _members=[n, of_half_precision(n)]),
        "structure is not valid: dtype='float16'",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_could_not_be_loaded_is_not_saved(kind, network, tmp_path):
    make, why = UNREADABLE[kind]
    wrong = make(network)
    path = saved(network, tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"estimator cannot be saved, because.*{why}"):
        skreg.save(wrong, path)
    assert path.read_bytes() == before
    content = {"estimator": network_content(wrong)}
    storage.write(path, "estimator", content)
    with pytest.raises(ValueError, match=f"saved is not a valid skreg file.*{why}"):
        skreg.load(path)


def test_more_parts_than_load_takes_are_not_saved(tmp_path):
    most = storage.MAX_CONTAINERS
    network = MLPRegularizedClassifier(class_weight=dict.fromkeys(range(most), 1))
    with pytest.raises(ValueError, match=f"More than {most} lists and dictionaries"):
        skreg.save(network, tmp_path / "net")
    assert os.listdir(tmp_path) == []


def test_other_objects_are_refused(network, tmp_path):
    with pytest.raises(TypeError, match="From a pipeline pass its last step"):
        skreg.save(make_pipeline(StandardScaler(), network), tmp_path / "a")


# --- weights


def test_weights_alone(tmp_path):
    network = MLPRegularizedClassifier(**FAST, batchnorm=True).fit(X, Y)
    other = MLPRegularizedClassifier((8,), epochs=1, batchnorm=True).fit(X, Y)
    network.save_weights(tmp_path / "w")
    other.model_  # noqa: B018 (is built, and must not be kept)
    assert other.load_weights(tmp_path / "w") is other
    np.testing.assert_array_equal(outputs(other), outputs(network))
    np.testing.assert_allclose(
        np.ravel(other.model_(X.astype("float32"))), outputs(network)[:, 1], rtol=1e-5
    )


def test_weights_of_an_ensemble(tmp_path):
    ensemble = CASES["ensemble"]()
    other = MLPRegularizedClassifier(**FAST | {"random_state": 1}, n_members=3).fit(
        X, Y
    )
    ensemble.save_weights(tmp_path / "w")
    np.testing.assert_array_equal(
        outputs(other.load_weights(tmp_path / "w")), outputs(ensemble)
    )


def test_weights_that_a_copy_loads_are_its_own(tmp_path):
    ensemble = CASES["ensemble"]()
    before, other = outputs(ensemble), copy.copy(ensemble)
    third = clone(ensemble).set_params(random_state=1).fit(X, Y)
    third.save_weights(tmp_path / "w")
    other.load_weights(tmp_path / "w")
    np.testing.assert_array_equal(outputs(ensemble), before)
    np.testing.assert_array_equal(outputs(other), outputs(third))


def test_a_package_without_a_version_is_left_out(network, tmp_path, monkeypatch):
    def version(name):
        if name == "tensorflow":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(storage, "version", version)
    skreg.save(network, tmp_path / "n")
    assert "tensorflow" not in storage.read(tmp_path / "n", "estimator")["versions"]
    np.testing.assert_array_equal(outputs(skreg.load(tmp_path / "n")), outputs(network))


def test_python_may_be_strict_about_bytes(network, tmp_path):
    skreg.save(network, tmp_path / "n")
    script = "import sys, skreg; skreg.load(sys.argv[1])"
    subprocess.run([sys.executable, "-bb", "-c", script, tmp_path / "n"], check=True)


def test_weights_of_other_shapes_are_refused(network, tmp_path):
    network.save_weights(tmp_path / "w")
    other = MLPRegularizedClassifier((9,), epochs=1).fit(X, Y)
    before = outputs(other)
    with pytest.raises(ValueError, match=r"kernel_0.*\(6, 8\).*\(6, 9\)"):
        other.load_weights(tmp_path / "w")
    np.testing.assert_array_equal(outputs(other), before)
    with pytest.raises(ValueError, match="'weights' of a network"):
        skreg.load(tmp_path / "w")
    with pytest.raises(NotFittedError):
        MLPRegularizedClassifier().load_weights(tmp_path / "w")
    with pytest.raises(FileNotFoundError):
        network.load_weights(tmp_path / "none")


# --- strange files


@pytest.mark.parametrize(
    "groups", [[0, 0, 1], (0, 0), (0, 0, -1), (0, 0, 1.0), "aab", 1]
)
def test_groups_of_features_are_checked(groups, tmp_path):
    network = MLPRegularizedRegressor(**FAST, feature_groups=["a", "a", "b"])
    network.fit(X[:, :3], X[:, 0])
    path = saved(network, tmp_path)
    assert skreg.load(path)._structure() == network._structure()
    content = storage.read(path, "estimator")
    state = content["estimator"]["attributes"]["_state"]
    state["structure"]["feature_groups"] = groups
    storage.write(path, "estimator", content)
    with pytest.raises(ValueError, match="its structure is not valid"):
        skreg.load(path)
    network._state["structure"]["feature_groups"] = groups
    with pytest.raises(ValueError, match="its structure is not valid"):
        skreg.save(network, path)


def test_a_newer_format_says_so(network, tmp_path):
    content = storage.read(saved(network, tmp_path), "estimator")
    storage.write(tmp_path / "b", "estimator", content | {"format": 2})
    with pytest.raises(ValueError, match=r"was written by skreg .* newer"):
        skreg.load(tmp_path / "b")


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        skreg.load(tmp_path / "none")


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04N.", b"PK\5\6" + bytes(18)])
def test_foreign_files(data, tmp_path):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ValueError, match=r"a is not a valid skreg file"):
        skreg.load(tmp_path / "a")


def peak_of_refusing(path, message):
    """The memory that it takes, in bytes, to find out that a file is none."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            skreg.load(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "a"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("skreg.json", "{}")
        archive.writestr("arrays", bytes(300_000_000))
    assert peak_of_refusing(path, "compressed") < 10 * path.stat().st_size


def test_one_array_is_not_read_many_times(tmp_path):
    path = tmp_path / "a"
    array = {"array": ["|i1", [1_000_000]]}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("skreg.json", json.dumps([array] * 2_000))
        archive.writestr("arrays", bytes(1_000_000))
    assert peak_of_refusing(path, "arrays is cut off") < 10 * path.stat().st_size


def paths_to_values(value, path=()):
    """The path to each value in JSON."""
    yield path
    if isinstance(value, (list, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from paths_to_values(inner, (*path, key))


def with_other_value(text, rng):
    """The JSON with one of its values exchanged for a strange one."""
    content = json.loads(text)
    *path, last = rng.choice(list(paths_to_values(content))[1:])
    inner = content
    for key in path:
        inner = inner[key]
    strange = [
        None,
        True,
        -1,
        10**30,
        1e308,
        "x",
        "<f8",
        "O",
        [],
        [[]],
        {},
        "optimizers",
    ]
    strange += [{"array": ["<f4", [10**6, 10**6]]}, {"float": "nan"}, {"dict": []}]
    strange += [{"tuple": [-1]}, {"array": ["|O", [1]]}, {"strings": ["a", 1]}]
    inner[last] = rng.choice(strange)
    return json.dumps(content)


def altered(data, rng):
    """The bytes of a file with something wrong."""
    kind = rng.randrange(5)
    start = rng.randrange(len(data))
    stop = min(start + rng.choice([1, 2, 8, 100]), len(data))
    if kind == 0:
        return data[:start]
    if kind == 1:
        return data[:start] + rng.randbytes(stop - start) + data[stop:]
    if kind == 2:
        return data[:start] + data[stop:]
    if kind == 3:
        return data[:start] + data[start:stop] * 2 + data[stop:]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:  # a whole zip, but of nonsense
        text, blob = archive.read("skreg.json"), archive.read("arrays")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("skreg.json", with_other_value(text, rng))
        archive.writestr("arrays", blob)
    return made.getvalue()


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    names = ["strings", "regressor", "ensemble", "Keras's objects"]
    return [saved(CASES[name](), folder).read_bytes() for name in names]


def load_altered(originals, seed, path):
    """Load an altered file; whether it could be loaded, and then predicts."""
    rng = random.Random(seed)
    path.write_bytes(altered(rng.choice(originals), rng))
    try:
        loaded = skreg.load(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 (some files can be loaded)
        return False
    assert isinstance(loaded, (MLPRegularizedClassifier, MLPRegularizedRegressor))
    return True


@settings(
    max_examples=10_000,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**60))
def test_altered_files_raise_one_kind_of_error(originals, tmp_path, seed):
    load_altered(originals, seed, tmp_path / "altered")
    assert os.listdir(tmp_path) == ["altered"]


@pytest.mark.parametrize("field", [20, 24])  # the sizes in the file and unpacked
def test_a_size_that_is_a_lie_takes_no_memory(originals, tmp_path, field):
    data = bytearray(originals[0])
    place = data.index(b"PK\1\2") + field
    data[place : place + 4] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "a").write_bytes(data)
    assert peak_of_refusing(tmp_path / "a", "larger than the file") < 1_000_000


def test_altered_files_take_no_memory(originals, tmp_path):
    load_altered(originals, 0, tmp_path / "a")  # imports what it needs
    loaded = 0
    tracemalloc.start()
    for seed in range(500):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        loaded += load_altered(originals, seed, tmp_path / "a")
        peak = tracemalloc.get_traced_memory()[1] - before
        # 1 MB is what Python takes for tracebacks and Keras's caches.
        assert peak < 10 * (tmp_path / "a").stat().st_size + 1_000_000, seed
    tracemalloc.stop()
    assert 0 < loaded < 250  # some changes are harmless: a version, a name, a seed

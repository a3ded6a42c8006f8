"""Verdicts on networks and data that are built so that the answer is known."""

from functools import partial

import matplotlib as mpl
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_classification,
    make_friedman1,
    make_moons,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)
from sklearn.model_selection import KFold

from skreg import MLPRegularizedClassifier, MLPRegularizedRegressor
from skreg.inspection import Estimate
from skreg.inspection.diagnosis import Diagnosis, diagnosis
from skreg.inspection.diagnosis_of_folds import _judge_folds, _rises
from skreg.inspection.diagnosis_variants import Fold, _least_loss, _relative_loss

mpl.use("agg")
RNG = np.random.default_rng(0)
PLAIN = {
    "dropout": 0.0,
    "l2": 0.0,
    "schedule": "constant",
    "warmup": 0.0,
    "normalize": True,
    "random_state": 0,
}


def classifier(sizes=(32, 32), **settings):
    return MLPRegularizedClassifier(sizes, **(PLAIN | settings))


def regressor(sizes=(32, 32), **settings):
    return MLPRegularizedRegressor(sizes, **(PLAIN | settings))


NOISE = RNG.normal(size=(200, 10))
MOONS = make_moons(300, noise=0.1, random_state=0)
FRIEDMAN = make_friedman1(300, noise=0.1, random_state=0)
LINEAR = NOISE, NOISE @ RNG.normal(size=10) + 0.3 * RNG.normal(size=200)
FLIPPED = (
    np.c_[MOONS[0], RNG.normal(size=(300, 20))],
    np.where(RNG.random(300) < 0.25, 1 - MOONS[1], MOONS[1]),
)
FAST = {"epochs": 60, "learning_rate": 0.01}
KNOWN = {
    "pure noise": (classifier(**FAST), (NOISE, np.arange(200) % 2), "overfitting"),
    "noisy numbers": (regressor(**FAST), (NOISE, NOISE[::-1, 0]), "overfitting"),
    "label noise": (classifier(**FAST), FLIPPED, "overfitting"),
    "a linear task": (
        regressor((), epochs=80, learning_rate=0.03),
        LINEAR,
        "good fit",
    ),
    "two moons": (classifier(epochs=80, learning_rate=0.01), MOONS, "good fit"),
    "one unit": (
        classifier((1,), epochs=80, learning_rate=0.03),
        MOONS,
        "underfitting",
    ),
    "one unit for numbers": (
        regressor((1,), epochs=80, learning_rate=0.03),
        FRIEDMAN,
        "underfitting",
    ),
    "a huge rate": (classifier(epochs=40, learning_rate=30.0), MOONS, "diverging"),
    "two epochs": (
        classifier(epochs=2, learning_rate=1e-3),
        load_digits(return_X_y=True),
        "not converged",
    ),
    "five epochs for numbers": (
        regressor(epochs=5, learning_rate=1e-3),
        FRIEDMAN,
        "not converged",
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_answers(case):
    network, data, verdict = KNOWN[case]
    found = network.fit(*data).diagnose(*data)
    assert found.verdict == verdict, str(found)
    assert bool(found.try_next) == (verdict != "good fit")
    for parameters in found.try_next:  # each can be set, and changes something
        own = network.get_params()
        assert any(own[name] != value for name, value in parameters.items())


@pytest.mark.parametrize(
    ("loss", "settings", "constant", "metric"),
    [
        ("squared_error", {}, np.mean, mean_squared_error),
        ("absolute_error", {}, np.median, mean_absolute_error),
        ("huber", {}, np.median, mean_absolute_error),
        (
            "quantile",
            {"quantile": 0.9},
            partial(np.quantile, q=0.9),
            partial(mean_pinball_loss, alpha=0.9),
        ),
        ("poisson", {}, np.mean, mean_poisson_deviance),
    ],
)
def test_numbers_are_judged_by_the_loss_of_the_network(
    loss, settings, constant, metric, rng
):
    X = rng.normal(size=(200, 2))
    y = rng.poisson(np.exp(X[:, 0])).astype(float)
    network = regressor((4,), loss=loss, epochs=3, **settings).fit(X, y)
    predicted = np.maximum(network.predict(X), 1e-3)
    network.predict = lambda X: predicted
    expected = metric(y, predicted) / metric(y, np.full(200, constant(y)))
    assert _relative_loss(network, X, y, y) == pytest.approx(expected)
    as_objects = y.astype(int).astype(object)
    assert _relative_loss(network, X, as_objects, y) == pytest.approx(expected)
    assert 0 < _relative_loss(network, X, y > 1, y > 1) < np.inf
    assert 0 < _relative_loss(network, X, y, np.append(np.zeros(9), 1e-9)) < np.inf


def test_a_quantile_is_not_called_a_divergence():
    """Its squared error is far above that of the mean."""
    X, y = FRIEDMAN
    network = regressor((16,), loss="quantile", quantile=0.95, epochs=40)
    found = network.fit(X, y).diagnose(X, y)
    assert found.verdict != "diverging"
    assert found.evidence["training loss"].high < 1


IRIS = load_iris(return_X_y=True)
SHORT = {"epochs": 20, "learning_rate": 0.03}
TOO_STRONG = {
    "l2, converged": (classifier((8,), l2=1.0, **SHORT), IRIS),
    "l2, on its way": (classifier((8,), l2=10.0, epochs=20), IRIS),
    "l1": (classifier((8,), l1=0.3, **SHORT), IRIS),
    "dropout by layers": (classifier((8, 4), dropout=[0.9, 0.8], **SHORT), IRIS),
    "noise": (classifier((8,), gaussian_noise=10.0, **SHORT), IRIS),
    "a limit of norms": (classifier((8,), max_norm=0.02, **SHORT), IRIS),
    "l2 for numbers": (regressor((8,), l2=1.0, **SHORT), LINEAR),
    "a mixture": (regressor((8,), l2=3.0, dropout=0.5, **SHORT), LINEAR),
}


@pytest.mark.parametrize("case", TOO_STRONG)
def test_remedies_that_are_too_strong(case):
    network, data = TOO_STRONG[case]
    found = network.fit(*data).diagnose(*data, cv=3)
    assert found.verdict == "over-regularized", str(found)
    assert found.reason.startswith("the remedies are too strong: with")
    none = {"max_norm": None}
    used = {
        name
        for name in ("l1", "l2", "dropout", "gaussian_noise", "max_norm")
        if getattr(network, name) != none.get(name, 0.0)
    }
    off = {name: none.get(name, 0.0) for name in used}
    assert off in found.try_next
    assert all(trial.keys() == used for trial in found.try_next)
    tenth = found.evidence["gain by a tenth of the remedies"].mean
    is_better = found.evidence["gain without remedies"].mean >= tenth
    assert (found.try_next[0] == off) == is_better


def test_strong_remedies_on_noise_are_no_fault():
    """Nothing is there to be learnt, and a smaller rate only shrinks weights less."""
    data = NOISE, np.arange(200) % 2
    network = classifier((8,), l2=1.0, **SHORT).fit(*data)
    found = network.diagnose(*data, cv=3)
    assert found.verdict == "unclear"
    assert "nor weaker remedies help" in found.reason


def test_what_pilots_chose_counts_as_a_remedy():
    network = classifier((8,), l2="auto", dropout=0.9, **SHORT).fit(*IRIS)
    assert network.l2_ > 0
    found = network.diagnose(*IRIS, cv=3)
    assert found.verdict == "over-regularized", str(found)
    assert {"dropout": 0.0, "l2": 0.0} in found.try_next


def test_weaker_remedies_are_trained_only_where_there_are_some():
    found = classifier((4,), epochs=1).fit(*MOONS).diagnose(*MOONS, cv=2)
    assert not any("remedies" in name for name in found.evidence)


def test_a_noisy_gap_is_not_called_guessing():
    """Three folds, confident errors: the loss is above guessing, but so noisy."""
    evidence = dict.fromkeys(
        [
            "gain by more epochs",
            "gain by more units",
            "training gain by a smaller rate",
            "training loss",
        ],
        Estimate(0.0, -0.1, 0.1),
    )
    loss = Estimate(1.2, -1.6, 4.0)
    evidence |= {"validation loss": loss, "gap": loss}
    evidence["rise since the best epoch"] = Estimate(0.5, -1.2, 2.2)
    verdict, reason = _judge_folds(evidence)
    assert verdict == "unclear"
    assert reason.startswith("within the folds' noise: gap, rise.")


def test_no_verdict_within_noise():
    """Eight rows a fold, random labels, almost no training."""
    network = classifier((2,), epochs=1, learning_rate=1e-6, random_state=1)
    data = NOISE[:40], np.arange(40) % 2
    found = network.fit(*data).diagnose(*data)
    assert found.verdict == "unclear"
    assert found.try_next == ()


def test_avoidable_bias_and_variance():
    X, y = MOONS
    network = classifier((1,), epochs=60, learning_rate=0.03).fit(X, y)
    evidence = network.diagnose(X, y, reference_error=0.02).evidence
    training, bias = evidence["training error"], evidence["avoidable bias"]
    assert bias.mean == pytest.approx(training.mean - 0.02)
    assert bias.low < bias.mean < bias.high
    assert bias.mean > 0.05
    assert abs(evidence["variance"].mean) < 0.05


def with_curves(training, validation, **attributes):
    network = classifier(epochs=2).fit(*MOONS)
    network.history_ = {"loss": list(training), "val_loss": list(validation)}
    vars(network).update(attributes)
    return network


EPOCHS = np.linspace(0, 1, 60)
FALLING = 0.1 + 0.9 * np.exp(-6 * EPOCHS)


@pytest.mark.parametrize(
    ("training", "validation", "verdict"),
    [
        (FALLING, FALLING + 0.6 * EPOCHS, "overfitting"),
        (FALLING, 0.4 + 0.6 * np.exp(-6 * EPOCHS), "overfitting"),
        (FALLING, FALLING + 0.02, "unclear"),
        (1 - 0.3 * EPOCHS, 1 - 0.29 * EPOCHS, "not converged"),
        (0.8 + 0.2 * np.exp(-9 * EPOCHS), 0.81 + 0.2 * np.exp(-9 * EPOCHS), "unclear"),
        (1 + EPOCHS, 1 + EPOCHS, "diverging"),
    ],
)
def test_curves(training, validation, verdict):
    assert with_curves(training, validation).diagnose().verdict == verdict


def test_a_rise_within_the_curves_noise_is_none():
    noise = np.random.default_rng(0).normal(size=60)
    steady = 0.5 + 0.5 * np.exp(-9 * EPOCHS)
    found = with_curves(steady - 0.02, steady + 0.15 * noise).diagnose()
    assert found.verdict == "unclear"


RARE = (np.arange(200) % 20 == 0).astype(int)
NOTHING_LEARNT = {
    "a quantile": (regressor, {"loss": "quantile", "quantile": 0.9}, NOISE[::-1, 0]),
    "huber": (regressor, {"loss": "huber", "huber_delta": 0.3}, NOISE[::-1, 0]),
    "a rare class": (classifier, {}, RARE),
    "rare labels": (classifier, {}, np.c_[RARE, RARE[::-1]]),
    "focal": (classifier, {"loss": "focal"}, np.arange(200) % 2),
}


@pytest.mark.parametrize("case", NOTHING_LEARNT)
def test_curves_of_constant_predictions_are_no_good_fit(case):
    """Their losses are low, because guessing costs little: from 0.1 to 0.2."""
    kind, settings, y = NOTHING_LEARNT[case]
    network = kind((4,), l2=1.0, epochs=60, learning_rate=0.03, **settings)
    network.fit(NOISE[:100], y[:100], X_val=NOISE[100:], y_val=y[100:])
    predict = getattr(network, "predict_proba", network.predict)
    assert np.ptp(predict(NOISE), axis=0).max() < 1e-3
    assert network.history_["val_loss"][-1] < 0.25
    assert network.diagnose().verdict == "unclear"


@pytest.mark.parametrize("level", [-50.0, -0.5, 1.0])
@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_a_loss_that_may_be_negative_has_no_shares(level, slope):
    network = regressor((4,), loss="poisson", epochs=1)
    network.fit(NOISE, np.arange(200) % 3)
    curve = level + slope * EPOCHS
    network.history_ = {"loss": list(curve), "val_loss": list(curve - 1)}
    found = network.diagnose()
    assert found.verdict == "unclear"
    assert "loss='poisson'" in found.reason
    assert found.curves == network.history_
    assert len(found.plot().ax_.lines) == 2


@pytest.mark.parametrize("normalize", [True, False])
def test_losses_of_counts_are_above_those_of_perfect_predictions(normalize):
    """By half of the deviance, in the units that the network learns."""
    y = np.random.default_rng(0).poisson(np.exp(3 + NOISE[:, 0]))
    network = regressor((4,), loss="poisson", epochs=5, normalize=normalize)
    network.fit(NOISE, y, X_val=NOISE, y_val=y)
    loss = network.history_["val_loss"]
    scale = y.mean() if normalize else 1.0
    deviance = mean_poisson_deviance(y, network.predict(NOISE)) / scale
    least = _least_loss(network, y)
    assert loss[-1] - least == pytest.approx(deviance / 2, rel=1e-4)
    if not normalize:
        assert loss[-1] < 0  # so that shares of it would have the wrong sign
    fold = Fold(0.0, 0.0, 0.0, 0.0, {"val_loss": [*loss, loss[0]]}, least)
    expected = 1 - (min(loss) - least) / (loss[0] - least)
    assert _rises(network, [fold, fold]) == pytest.approx([expected, expected])
    assert 0 < expected < 1


def test_without_validation_losses():
    found = classifier(epochs=2).fit(*MOONS).diagnose()
    assert found.verdict == "unclear"
    assert "early_stopping=True or X_val" in found.reason


def test_text_and_figure():
    network = classifier(epochs=20).fit(*MOONS)
    found = network.diagnose(*MOONS, cv=3)
    text = str(found)
    assert text.startswith(f"{found.verdict}: ")
    assert "gain by more epochs" in text
    assert max(map(len, text.splitlines())) <= 88

    some = str(
        Diagnosis("overfitting", "a gap", try_next=({"l2": 0.1}, {"dropout": 0}))
    )
    assert some.endswith("\n  try {'l2': 0.1}\n  or {'dropout': 0}")
    display = found.plot()
    assert display.ax_.get_title() == found.verdict
    assert len(found.curves["val_loss"]) == 20
    with pytest.raises(AttributeError):
        found.verdict = "good fit"


def test_the_network_is_left_as_it_was():
    network = classifier(epochs=5).fit(*MOONS)
    before, parameters = network.predict_proba(MOONS[0]), network.get_params()
    network.diagnose(*MOONS, cv=2)
    np.testing.assert_array_equal(network.predict_proba(MOONS[0]), before)
    assert network.get_params() == parameters


def test_wrong_calls():
    network = classifier(epochs=1)
    with pytest.raises(NotFittedError):
        network.diagnose()
    network.fit(*MOONS)
    with pytest.raises(ValueError, match="X and y must be given together"):
        network.diagnose(MOONS[0])
    with pytest.raises(ValueError, match="'reference_error' parameter needs X and y"):
        network.diagnose(reference_error=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "hinge"},
        {"early_stopping": True},
        {"early_stopping": True, "restore_best_weights": False, "patience": 1},
        {"n_members": 2},
    ],
)
def test_other_networks(settings):
    network = classifier((8,), epochs=20, learning_rate=0.01, **settings).fit(*MOONS)
    assert 0 <= network.diagnose(*MOONS, cv=3).evidence["training loss"].mean < 1


def test_a_checkpoint_is_left_alone(tmp_path):
    path = tmp_path / "network.skreg"
    network = classifier((4,), epochs=2, checkpoint=path).fit(*MOONS)
    before = path.read_bytes()
    network.diagnose(*MOONS, cv=2)
    assert path.read_bytes() == before


def test_a_network_without_a_history():
    network = classifier((4,), epochs=1).fit(*MOONS)
    taken = MLPRegularizedClassifier.from_keras(network.model_)
    found = taken.diagnose()
    assert found.verdict == "unclear"
    assert "no history" in found.reason


def test_sizes_as_an_array_are_no_other_sizes():
    network = classifier(np.array([4]), epochs=30, learning_rate=0.03).fit(*MOONS)
    for parameters in network.diagnose(*MOONS, cv=2).try_next:
        sizes = parameters.get("hidden_layer_sizes", (0,))
        assert sizes != (4,)


def test_several_targets_and_labels():
    X = NOISE
    numbers = regressor((8,), epochs=40, learning_rate=0.03).fit(X, X[:, :2])
    assert numbers.diagnose(X, X[:, :2], cv=3).evidence["validation loss"].mean < 1
    labels = (X[:, :3] > 0).astype(int)
    network = classifier((8,), epochs=20, learning_rate=0.01).fit(X, labels)
    assert network.diagnose(X, labels, cv=3).evidence["validation loss"].mean < 1


@pytest.mark.parametrize("loss", ["squared_error", "quantile", "poisson"])
def test_units_of_the_targets_do_not_matter(loss):
    y = np.abs(np.c_[NOISE[:, 0], NOISE[::-1, 1]])
    network = regressor((8,), epochs=5, loss=loss).fit(NOISE, y)
    expected = network.diagnose(NOISE, y, cv=2)
    for scale in ([1024.0, 1.0], [2.0**-40, 2.0**40]):
        found = network.diagnose(NOISE, y * scale, cv=2)
        assert found.verdict == expected.verdict
        for name, value in found.evidence.items():
            assert value.mean == pytest.approx(expected.evidence[name].mean, abs=1e-4)


def test_a_constant_target_beside_others():
    """Its size says nothing about the spread of the others."""
    y = np.c_[NOISE[:, 0], np.full(200, 1e15)]
    network = regressor((8,), epochs=5).fit(NOISE, y)
    alone = regressor((8,), epochs=5).fit(NOISE, y[:, 0])
    network.predict = lambda X: np.c_[alone.predict(X), np.full(len(X), 1e15)]
    relative = _relative_loss(network, NOISE, y, y)
    expected = _relative_loss(alone, NOISE, y[:, 0], y[:, 0])
    assert relative == pytest.approx(expected)


BY_LABELS = [{0: 1.0, 1: 3.0}, {0: 2.0, 1: 1.0}]
WEIGHTED = {
    "probabilities": ({"class_weight": BY_LABELS[0]}, 1),
    "hinge": ({"class_weight": BY_LABELS[0], "loss": "hinge"}, 1),
    "several labels": ({"class_weight": BY_LABELS}, 2),
}


@pytest.mark.parametrize("case", WEIGHTED)
def test_a_class_weight_counts_as_repeated_rows(case):
    settings, n_labels = WEIGHTED[case]
    y = (NOISE[:, :n_labels] > [1.0, -0.5][:n_labels]).astype(int)
    y = y if n_labels > 1 else y[:, 0]
    network = classifier((2,), epochs=5, **settings).fit(NOISE, y)
    columns = zip(y.reshape(200, -1).T, BY_LABELS, strict=False)
    times = np.prod([[w[v] for v in labels] for labels, w in columns], axis=0)
    repeated = np.repeat(np.arange(200), times.astype(int))
    found = _relative_loss(network, NOISE, y, y)
    plain = network.set_params(class_weight=None)
    assert found != pytest.approx(_relative_loss(plain, NOISE, y, y))
    X, y = NOISE[repeated], y[repeated]
    assert found == pytest.approx(_relative_loss(plain, X, y, y))


def test_one_class_that_counts_is_no_task():
    settings = {"class_weight": {0: 1.0, 1: 0.0}, "epochs": 1}
    network = classifier((2,), **settings).fit(NOISE, RARE)
    with pytest.raises(ValueError, match=r"'class_weight' parameter must .* two class"):
        network.diagnose(NOISE, RARE, cv=2)
    labels = np.c_[RARE, RARE[::-1]]
    settings_of_labels = settings | {"class_weight": [{0: 1.0, 1: 0.0}] * 2}
    network = classifier((2,), **settings_of_labels).fit(NOISE, labels)
    with pytest.raises(ValueError, match=r"'class_weight' parameter must .* two class"):
        network.diagnose(NOISE, labels, cv=2)
    three = np.arange(200) % 3
    network = classifier((2,), **settings).fit(NOISE, three)
    assert 0.5 < _relative_loss(network, NOISE, three, three) < 2


def test_balanced_classes_are_judged_by_balanced_losses():
    network = classifier((2,), epochs=5, class_weight="balanced").fit(NOISE, RARE)
    proba = network.predict_proba(NOISE)[np.arange(200), RARE]
    loss = -np.mean([np.log(proba[c == RARE]).mean() for c in (0, 1)])
    found = _relative_loss(network, NOISE, RARE, RARE)
    assert found == pytest.approx(loss / np.log(2))
    names = np.array(["no", "yes"], object)[RARE]
    network = classifier((2,), epochs=5, class_weight="balanced", loss="hinge")
    network.fit(NOISE, names)
    error = 1 - balanced_accuracy_score(names, network.predict(NOISE))
    assert _relative_loss(network, NOISE, names, names) == pytest.approx(2 * error)


@pytest.mark.parametrize("names", [[0, 1], ["no", "yes"]])
def test_labels_in_one_column_are_the_same_labels(names):
    """They are judged by cross-entropy, not by the wrong rows of several labels."""
    X, y = MOONS
    labels = np.array(names, object if isinstance(names[0], str) else int)[y]
    network = classifier((4,), epochs=2).fit(X, labels)
    expected = network.diagnose(X, labels, cv=2)
    assert network.diagnose(X, labels[:, None], cv=2) == expected


def test_sparse_labels_are_those_of_the_dense_matrix():
    labels = (NOISE[:, :3] > 0).astype(int)
    network = classifier((4,), epochs=2).fit(NOISE, labels)
    found = network.diagnose(NOISE, csr_array(labels), cv=2)
    assert found == network.diagnose(NOISE, labels, cv=2)


def test_rows_of_a_class_that_a_fold_does_not_train_on_are_left_out():
    X, y = NOISE, np.r_[7, np.arange(199) % 2]
    network = classifier((4,), epochs=2).fit(X, y)
    without = [(np.arange(100, 200), np.arange(1, 100))]
    withal = [(np.arange(100, 200), np.arange(100))]
    found = network.diagnose(X, y, cv=withal).evidence
    assert found == network.diagnose(X, y, cv=without).evidence
    in_order = np.repeat([0, 1, 2], [67, 67, 66])
    network = classifier((4,), epochs=2).fit(X, in_order)
    with pytest.raises(ValueError, match=r"'cv' parameter must give .* shuffle"):
        network.diagnose(X, in_order, cv=KFold(3))


def test_a_constant_target_is_no_good_fit():
    network = regressor((4,), epochs=2).fit(NOISE, np.full(200, 0.1))
    with pytest.raises(ValueError, match="y must have different numbers"):
        network.diagnose(NOISE, np.full(200, 0.1), cv=2)


# --- the advice agrees with the evidence


def evidence_of(training, epochs, units, rate, gap=0.0):
    """Evidence with these means, and intervals that are narrow."""
    values = {
        "training loss": training,
        "validation loss": training + gap,
        "gap": gap,
        "rise since the best epoch": 0.0,
        "gain by more epochs": epochs,
        "gain by more units": units,
        "training gain by a smaller rate": rate,
        "gain by more rows": 0.0,
    }
    return {k: Estimate(v, v - 0.01, v + 0.01) for k, v in values.items()}


CONFLICTS = {
    "too short": (evidence_of(2.0, 1.3, 0.5, -3.4), "not converged"),
    "too short, and too small": (evidence_of(2.0, 1.3, 1.4, -3.4), "not converged"),
    "too fast": (evidence_of(2.0, -0.5, 0.0, 1.5), "diverging"),
    "a smaller rate overfits more": (
        evidence_of(0.3, 0.0, 0.0, 0.1, gap=1.0)
        | {"gain by a smaller rate": Estimate(-0.5, -0.51, -0.49)},
        "overfitting",
    ),
    "too large a rate, but more epochs help": (
        evidence_of(2.0, 0.3, 0.0, 1.5),
        "diverging",
    ),
    "overfits, but units help": (evidence_of(0.2, 0.0, 0.2, 0.0, gap=0.5), None),
    "overfits, but epochs help": (evidence_of(0.2, 0.2, 0.3, 0.0, gap=0.5), None),
}


@pytest.mark.parametrize("case", list(CONFLICTS))
def test_no_advice_that_the_evidence_shows_to_be_harmful(case):
    evidence, expected = CONFLICTS[case]
    network = classifier(epochs=3, learning_rate=0.01)
    verdict, reason = _judge_folds(evidence)
    assert verdict == (expected or "overfitting"), reason
    found = diagnosis(network, verdict, reason, evidence)
    assert found.try_next
    for trial in found.try_next:
        if "epochs" in trial:
            assert evidence["gain by more epochs"].mean > 0
        if "early_stopping" in trial:
            assert evidence["gain by more epochs"].mean <= 0
        if "learning_rate" in trial:
            is_smaller = trial["learning_rate"] < 0.01
            gain = evidence["training gain by a smaller rate"].mean
            assert gain > 0 if is_smaller else gain <= 0
        if "hidden_layer_sizes" in trial:
            is_larger = sum(trial["hidden_layer_sizes"]) > sum(
                np.atleast_1d(network.hidden_layer_sizes)
            )
            gain = evidence["gain by more units"].mean
            assert gain >= 0 if is_larger else gain <= 0


def test_a_short_training_on_a_rare_class_is_not_called_diverging():
    X, y = make_classification(400, 10, weights=[0.97], random_state=0)
    found = classifier(epochs=3).fit(X, y).diagnose(X, y)
    rate = found.evidence["training gain by a smaller rate"].mean
    is_advised = any(t.get("learning_rate", 1) < 0.01 for t in found.try_next)
    assert rate > 0 or not is_advised
    assert rate > 0 or found.verdict != "diverging"


@pytest.mark.parametrize("verdict", ["overfitting", "underfitting", "over-regularized"])
def test_advice_on_remedies_agrees_with_the_evidence(verdict):
    network = classifier(l2=0.3)
    evidence = evidence_of(0.5, 0.0, 0.0, 0.0)
    for gain in (-0.2, 0.2):
        measured = Estimate(gain, gain - 0.01, gain + 0.01)
        evidence |= {"gain by a tenth of the remedies": measured}
        evidence |= {"gain without remedies": measured}
        trials = diagnosis(network, verdict, "", evidence).try_next
        stronger = [t for t in trials if t.keys() & {"weight_decay", "dropout"}]
        weaker = [t for t in trials if "l2" in t]
        assert bool(stronger) == (gain < 0 and verdict == "overfitting")
        assert bool(weaker) == (gain > 0 and verdict != "overfitting")
        assert all(t["l2"] < 0.3 for t in weaker)


def test_gains_within_noise_decide_nothing_in_a_bad_training():
    noise = Estimate(1.9, -0.3, 4.1)
    evidence = evidence_of(2.3, 0.0, 0.0, -3.0) | {"gain by more epochs": noise}
    verdict, reason = _judge_folds(evidence)
    assert verdict == "unclear"
    assert "more epochs" in reason


def test_a_loss_that_explodes_differs_between_folds():
    """Within noise, but training rows are predicted worse than by guessing."""
    huge = Estimate(1e5, -1e5, 3e5)
    evidence = evidence_of(1e5, 0.0, 0.0, 0.0)
    evidence |= {"training loss": huge, "training gain by a smaller rate": huge}
    verdict, reason = _judge_folds(evidence)
    assert verdict == "diverging"
    assert "worse than by guessing" in reason


@pytest.mark.parametrize(
    ("training", "gain", "verdict"),
    [
        (2.0, 0.3, "diverging"),  # above the loss of a constant
        (0.9, 0.3, "underfitting"),  # not diverging, but the rate is at fault
        (0.9, -0.3, "good fit"),  # the smaller rate only learns its rows by heart
    ],
)
def test_a_smaller_rate_that_helps_needs_a_sign_of_divergence(training, gain, verdict):
    evidence = evidence_of(training, 0.0, 0.0, 0.3)
    evidence |= {"gain by a smaller rate": Estimate(gain, gain - 0.01, gain + 0.01)}
    found = _judge_folds(evidence)
    assert found[0] == verdict, found
    network = classifier(epochs=3, learning_rate=0.5)
    advice = diagnosis(network, *found, evidence).try_next
    assert any("learning_rate" in trial for trial in advice) == (verdict != "good fit")


def test_too_few_epochs_are_no_reason_for_a_rate_that_was_not_tried():
    evidence = evidence_of(0.9, 0.3, 0.0, -0.1)
    found = diagnosis(classifier(epochs=3), *_judge_folds(evidence), evidence)
    assert found.verdict == "not converged"
    assert found.try_next == ({"epochs": 9},)


def test_a_collapse_by_large_steps_is_not_blamed_on_remedies():
    """Its loss is that of a constant, and weaker remedies help, but by less."""
    network = classifier(epochs=3, learning_rate=10.0, l2=0.001)
    evidence = evidence_of(1.0, 0.0, 0.0, 0.91)
    for by_rate, by_weaker in ((0.86, 0.4), (0.4, 0.86)):
        evidence |= {
            name: Estimate(gain, gain - 0.3, gain + 0.3)
            for name, gain in (
                ("gain by a smaller rate", by_rate),
                ("gain by a tenth of the remedies", by_weaker),
                ("gain without remedies", by_weaker),
            )
        }
        found = diagnosis(network, *_judge_folds(evidence), evidence)
        is_by_rate = by_rate > by_weaker
        assert found.verdict == ("underfitting" if is_by_rate else "over-regularized")
        # More units gain nothing here, and are not advised.
        by_remedies = {"l2": 0.0001}, {"l2": 0.0}
        expected = ({"learning_rate": 0.01},) if is_by_rate else by_remedies
        assert found.try_next == expected


def test_a_rate_that_may_be_at_fault_is_named():
    evidence = evidence_of(0.8, 0.0, 0.0, 0.7)
    evidence |= {"training gain by a smaller rate": Estimate(0.7, -0.1, 1.5)}
    evidence |= {"gain by a smaller rate": Estimate(0.7, -0.1, 1.5)}
    verdict, reason = _judge_folds(evidence)
    assert verdict == "unclear"
    assert reason.startswith("within the folds' noise: smaller rate.")
    clear = evidence | {"gain by a smaller rate": Estimate(0.7, 0.6, 0.8)}
    verdict, reason = _judge_folds(clear)
    assert verdict == "unclear"
    assert reason.startswith("a smaller rate lowers the validation loss by 0.7")
    # What is beyond noise is not said to be within it.
    evidence |= {"gain by more epochs": Estimate(0.1, 0.05, 0.15)}
    evidence |= {"gain by more units": Estimate(0.2, -0.1, 0.5)}
    _, reason = _judge_folds(evidence)
    assert "more epochs" not in reason
    assert "more units" in reason


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adadelta"}])
def test_too_small_a_rate(settings):
    """The default rate shows that there is something to be learnt."""
    network = classifier((8,), epochs=10, learning_rate=1e-6, l2=1e-3, **settings)
    default = 1.0 if settings else 0.01
    y = (NOISE[:, 0] + NOISE[:, 1] > 0).astype(int)
    found = network.fit(NOISE, y).diagnose(NOISE, y, cv=3)
    assert found.verdict == "not converged", str(found)
    assert found.reason.startswith("skreg's default learning rate, a larger one")
    assert found.try_next == ({"learning_rate": default},)
    network.set_params(learning_rate=default, epochs=1)
    found = network.diagnose(NOISE, y, cv=2)
    assert not any("default" in name for name in found.evidence)


def test_features_are_blamed_only_if_the_default_rate_does_not_help():
    evidence = evidence_of(1.0, 0.0, 0.0, 0.0)
    evidence |= {"gain by the default rate": Estimate(-0.1, -0.2, 0.0)}
    verdict, reason = _judge_folds(evidence)
    assert verdict == "unclear"
    assert "nor the default learning rate help: the features may not" in reason
    evidence |= {"gain by the default rate": Estimate(0.1, -0.1, 0.3)}
    _, reason = _judge_folds(evidence)
    assert reason.startswith("within the folds' noise: default rate.")


def test_what_helps_training_most_comes_first():
    evidence = evidence_of(1.3, 0.1, 0.0, 0.0)
    network = classifier(epochs=3, learning_rate=1e-4)
    for gain in (0.01, 0.05, 0.8):
        evidence |= {"gain by the default rate": Estimate(gain, gain / 2, 2 * gain)}
        found = diagnosis(network, *_judge_folds(evidence), evidence)
        assert found.verdict == "not converged"
        faster, longer = {"learning_rate": 0.01}, {"epochs": 9}
        expected = {0.01: (longer,), 0.05: (longer, faster), 0.8: (faster, longer)}
        assert found.try_next == expected[gain]
        assert ("default" in found.reason) == (gain > 0.1)

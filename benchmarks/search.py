"""Searches in `skreg.stacked()` beside their peers, in one run.

    python benchmarks/search.py [case ...]

What counts are the ratios. Cases, all by default: search (a process's first searches
beside MLPClassifier, and SciKeras and skorch where they are installed), structural
(random searches over sizes, activation, optimizer and more beside MLPClassifier), rate
(the training's arithmetic beside numpy's), where (the time of a warm search goes),
table (a fit's cost by lanes, rows, features and width), memory (that eight searches
leave behind), share (five folds plain and stacked).
"""

import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of the processes started here

import joblib
import numpy as np
from fit import has, interleaved, run, skorch_classifier, small_data
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import skreg
from skreg import MLPRegularizedClassifier, engine, stacking
from skreg.stacking.blocks import full_stack_lanes

HERE = os.path.dirname(os.path.abspath(__file__))
CORES = joblib.cpu_count()
LAYERS, BATCH, EPOCHS = (64, 64), 32, 30
DATA = load_breast_cancer(return_X_y=True)
L2, RATES = [0.0, 1e-5, 1e-4, 1e-3, 1e-2], [1e-3, 1e-2]
GRID = {"dropout": [0.0, 0.1, 0.2, 0.3, 0.5], "l2": L2, "learning_rate": RATES}
FITS, PEER_FITS = 250, {"MLPClassifier": 50, "SciKeras": 20, "skorch": 20}
TARGETS = {"MLPClassifier": (5, 10), "SciKeras": (100, 200)}  # first search, later
REPEATS = 3


def network(epochs=EPOCHS, seed=0, **parameters):
    return MLPRegularizedClassifier(
        LAYERS, batch_size=BATCH, epochs=epochs, random_state=seed, **parameters
    )


def search_of(estimator, grid, **settings):
    """A search over the last step of a pipeline that standardises."""
    pipeline = make_pipeline(StandardScaler(), estimator)
    prefix = pipeline.steps[-1][0]
    grid = {f"{prefix}__{name}": values for name, values in grid.items()}
    return GridSearchCV(pipeline, grid, cv=5, **settings)


def stacked_search(**parameters):
    with skreg.stacked():
        search_of(network(**parameters), GRID).fit(*DATA)


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def skreg_seconds():
    return [seconds_of(stacked_search) for _ in range(3)]


def peer_seconds(estimator, grid, data=DATA):
    search = search_of(estimator, grid, n_jobs=2, refit=False, error_score="raise")
    return [seconds_of(lambda: search.fit(*data)) for _ in range(2)]


# scikit-learn's MLP with all epochs, as ours.
MLP = MLPClassifier(
    LAYERS, batch_size=BATCH, max_iter=EPOCHS, tol=0, n_iter_no_change=EPOCHS
)


def mlp_seconds():
    return peer_seconds(MLP, {"alpha": L2, "learning_rate_init": RATES})


def keras_model(dropout, l2):
    import keras

    layers = [keras.Input((30,))]
    for units in LAYERS:
        penalty = keras.regularizers.L2(l2)
        layers.append(keras.layers.Dense(units, "relu", kernel_regularizer=penalty))
        layers.append(keras.layers.Dropout(dropout))
    return keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])


def skorch_seconds():
    settings = {"lr": 1e-3, "batch_size": BATCH, "max_epochs": EPOCHS}
    skorch = skorch_classifier(30, LAYERS, 0.2, **settings)
    data = DATA[0].astype("float32"), DATA[1].astype("float32")
    grid = {"lr": [1e-3, 1e-2], "optimizer__weight_decay": [0.0, 1e-4]}
    return peer_seconds(skorch, grid, data)


def scikeras_seconds():
    from scikeras.wrappers import KerasClassifier

    settings = {"loss": "binary_crossentropy", "optimizer": "adam", "verbose": 0}
    settings |= {"batch_size": BATCH, "epochs": EPOCHS, "dropout": 0.0, "l2": 0.0}
    grid = {"dropout": [0.2, 0.5], "l2": [1e-4, 1e-2]}
    return peer_seconds(KerasClassifier(keras_model, **settings), grid)


PROCESS = """
import time; start = time.perf_counter()
import keras; seconds = [time.perf_counter() - start]
import json, sys; sys.path.insert(0, {here!r})
import search
print(json.dumps(seconds + search.{function}()))
"""


def in_new_process(function):
    """The seconds of `import keras`, and what the function gives."""
    print(f"  {function} ...", flush=True)
    command = [sys.executable, "-c", PROCESS.format(here=HERE, function=function)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stderr.decode()}\n{function} ended with {done.returncode}.")
    return json.loads(done.stdout.splitlines()[-1])


def search():
    print("\nSearch: breast cancer 569 x 30, 64-64, batch 32, 30 epochs, 250 fits")
    runs = [in_new_process("skreg_seconds") for _ in range(REPEATS)]
    import_seconds, *ours = map(statistics.median, zip(*runs, strict=True))
    peers = {"MLPClassifier": in_new_process("mlp_seconds")[1:]}
    if has("skorch", "torch"):
        peers["skorch"] = in_new_process("skorch_seconds")[1:]
    if has("scikeras"):
        peers["SciKeras"] = in_new_process("scikeras_seconds")[1:]
    print(f"  import keras, before the clock starts: {import_seconds:.2f} s")
    for name, (first, second) in peers.items():
        first, second = (1000 * s / PEER_FITS[name] for s in (first, second))
        print(f"  {name:14s} {second:8.1f} ms a fit ({first:.1f} with cold workers)")
    for number, seconds in enumerate(ours, 1):
        mine = seconds / FITS
        print(f"  skreg search {number} {1000 * mine:8.1f} ms a fit ({seconds:.2f} s):")
        for name, (_, second) in peers.items():
            ratio = second / PEER_FITS[name] / mine
            target = TARGETS[name][number > 1] if name in TARGETS else "none"
            print(f"    {name:14s} takes {ratio:5.1f} x as long (target: {target})")


LAYOUTS = [(32,), (64,), (128,), (64, 64), (128, 128), (128, 64)]
STRUCTURES = {
    "hidden_layer_sizes": LAYOUTS,
    "activation": ["relu", "tanh", "selu"],
    "batchnorm": [False, True],
    "optimizer": ["adam", "sgd", "rmsprop"],
    "initializer": ["glorot_uniform", "he_normal"],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.5],
    "l2": loguniform(1e-5, 1e-2),
}
MLP_STRUCTURES = {
    "hidden_layer_sizes": LAYOUTS,
    "activation": ["relu", "tanh", "logistic"],
    "solver": ["adam", "sgd"],
    "alpha": loguniform(1e-5, 1e-2),
}
STRUCTURAL_CANDIDATES, STRUCTURAL_FITS = 40, 200


def structural_search(network, choices, seed, selects=(), **settings):
    """A random search over structures, 40 candidates on five folds."""
    steps = [StandardScaler(), network]
    if selects:
        steps.insert(1, SelectKBest())
    pipeline = make_pipeline(*steps)
    prefix = pipeline.steps[-1][0]
    choices = {f"{prefix}__{name}": values for name, values in choices.items()}
    if selects:
        choices["selectkbest__k"] = list(selects)
    return RandomizedSearchCV(
        pipeline,
        choices,
        n_iter=STRUCTURAL_CANDIDATES,
        cv=5,
        random_state=seed,
        refit=False,
        error_score="raise",
        **settings,
    )


def structural_seconds(selects=(), data=DATA):
    """Seconds of a search, the same again, another one; programs; a score's digits."""
    seconds, scores = [], []
    for seed in (0, 0, 1):
        found = structural_search(network(), STRUCTURES, seed, selects)
        with skreg.stacked():
            seconds.append(seconds_of(lambda found=found: found.fit(*data)))
        scores.append(found.cv_results_["mean_test_score"])
    return [*seconds, sum(engine.compilations.values()), *map(np.mean, scores)]


def structural_seconds_selected():
    return structural_seconds((5, 10, 15, 20, 30))


def rows_of_5000():
    return make_classification(5000, 30, n_informative=10, random_state=0)


def structural_seconds_5000():
    return structural_seconds(data=rows_of_5000())


def structural_mlp_seconds(data=DATA):
    found = structural_search(MLP, MLP_STRUCTURES, 0, n_jobs=2)
    return [seconds_of(lambda: found.fit(*data))]


def structural_mlp_seconds_5000():
    return structural_mlp_seconds(rows_of_5000())


def structural():
    print(
        "\nStructural search: six layouts, activation, batchnorm, optimizer, "
        "initializer, dropout, l2;\n40 candidates x 5 folds, batch 32, 30 epochs"
    )
    cases = [
        ("569 x 30", "", REPEATS),
        ("569 x 30, SelectKBest in the pipeline", "_selected", REPEATS),
        ("5,000 x 30", "_5000", 1),
    ]
    for title, ending, repeats in cases:
        runs = [
            in_new_process(f"structural_seconds{ending}")[1:] for _ in range(repeats)
        ]
        values = list(map(statistics.median, zip(*runs, strict=True)))
        bits = {tuple(run[4:]) for run in runs}
        first, again, other = (1000 * t / STRUCTURAL_FITS for t in values[:3])
        print(f"  {title}, ms a fit: first search {first:.1f}, the same again", end="")
        print(f" {again:.1f}, other draws {other:.1f};", end="")
        print(f" {values[3]:.0f} programs, {len(bits)} result of {repeats} processes")
        if ending != "_selected":
            (mlp,) = in_new_process(f"structural_mlp_seconds{ending}")[1:]
            mlp *= 1000 / STRUCTURAL_FITS
            ratios = f"{mlp / first:.2f} and {mlp / other:.2f} x as long"
            print(f"    MLPClassifier {mlp:.1f}: {ratios} (targets: 1.4 and 3)")


def jobs_to_time(count):
    """The structure and the jobs of fits to all rows, as the engine gets them."""
    sys.path.append(os.path.join(os.path.dirname(HERE), "tests"))
    from support import captured

    networks = (network(dropout=d, l2=1e-4) for d in np.linspace(0.1, 0.5, count))
    found = [captured(estimator, *small_data()) for estimator in networks]
    structure, first = found[0]
    return structure, [replace(job, rows=first.rows) for _, job in found]  # as gathered


def rate():
    structure, jobs = jobs_to_time(64)
    lanes, a = full_stack_lanes(structure), np.ones((512, 512), "float32")
    rows = sum(len(job.rows) * job.epochs for job in jobs)
    unneeded = 2 * structure.n_features * LAYERS[0]  # the input has no gradient
    operations = rows * (6 * structure.n_kernel_elements - unneeded)

    def on_all_cores(function):
        return list(threads.map(lambda _: function(), range(CORES)))

    with ThreadPoolExecutor(CORES) as threads, threadpool_limits(1, "blas"):
        train = partial(engine.train_block, structure, jobs, lanes)
        calls = {"train": train, "multiply": lambda: [(a @ a).size for _ in range(200)]}
        seconds = interleaved({n: partial(on_all_cores, f) for n, f in calls.items()})
    trained = CORES * operations / seconds["train"] / 1e9
    product = CORES * 200 * 2 * 512**3 / seconds["multiply"] / 1e9
    print(f"\nRate, GFLOP/s, on {CORES} threads of {lanes} lanes (as search)")
    print(f"  training {trained:.1f}; numpy's 512 x 512 {product:.1f}", end="")
    print(f": {100 * trained / product:.0f} % (target 40 %)")


PARTS = [(stacking.gatherer.Gatherer, "_run"), (engine, "raw_outputs")]  # of a search
PARTS += [(stacking.trainers, "train_block"), (engine.program.Program, "__call__")]
PARTS += [(engine.batches.Chunk, "fill"), (engine.training, "to_tensors")]


def time_calls(owner, name):
    """Have each call append its seconds of wall and of its thread's CPU to a list."""
    function, spent = getattr(owner, name), []

    def timed(*args, **kwargs):
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent.append((time.perf_counter() - wall, time.thread_time() - cpu))

    setattr(owner, name, timed)
    return spent


def parts_of_searches():
    stacked_search()
    spent = {name: time_calls(owner, name) for owner, name in PARTS}
    return [parts_of_a_search(spent) for _ in range(REPEATS)]


def parts_of_a_search(spent):
    cpu = time.process_time()
    wall = seconds_of(stacked_search)
    cpu = time.process_time() - cpu
    sums = {name: np.sum(calls, axis=0) for name, calls in spent.items()}
    for calls in spent.values():
        calls.clear()
    tasks, predict, block, *in_block = sums.values()
    parts = dict(zip(("programs", "Chunk.fill", "to_tensors"), in_block, strict=True))
    parts |= {"train_block's rest": block - sum(in_block), "predict": predict}
    parts["the tasks' rest"] = np.nan, tasks[1] - predict[1]
    parts["TensorFlow's threads"] = np.nan, cpu - tasks[1] - block[1]
    parts |= {"the search": (wall, cpu), "cores without us": (CORES * wall - cpu, 0.0)}
    return {name: list(part) for name, part in parts.items()}


def where():
    print(f"\nWhere a warm search's time goes, ms a fit, summed over {CORES} cores")
    _, *runs = in_new_process("parts_of_searches")
    print(f"  {'':20s} {'wall':>8s} {'CPU':>8s}")
    for name in runs[0]:
        wall, cpu = 1000 * np.median([run[name] for run in runs], axis=0) / FITS
        print(f"  {name:20s} {wall:8.3f} {cpu:8.3f}".replace("nan", "   "))


def table():
    print("\nTable: ms a fit, from 569 x 30, 64-64, batch 32, 10 epochs, lanes chosen")
    values = {"lanes": (None, 1, 4, 16, 64, 256), "rows": (100, 1_000, 10_000)}
    values |= {"features": (10, 100), "width": (16, 64, 128)}
    for name in values:
        for value in values[name]:
            stacked, plain, lanes = cost(**{name: value})
            print(f"  {name:8s} {value!s:>6s}: stacked {stacked:7.2f}", end="")
            print(f"  plain {plain:7.2f}  {plain / stacked:5.1f} x", end="")
            print(f"  lanes of programs made: {lanes}", flush=True)


def cost(lanes=None, rows=569, features=30, width=64):
    """Milliseconds a fit, stacked and plain, and the lanes of compiled programs."""
    X, y = make_classification(rows, features, n_informative=8, random_state=0)
    dropout = np.linspace(0.1, 0.5, 8)
    l2 = np.geomspace(1e-5, 1e-2, 8 if rows < 10_000 else 2)

    def fit(epochs, dropout=dropout, l2=l2):
        estimator = network(epochs).set_params(hidden_layer_sizes=(width, width))
        grid = {"dropout": dropout, "l2": l2}
        search = GridSearchCV(estimator, grid, cv=4, refit=False)
        return 250 * seconds_of(lambda: search.fit(X, y)) / len(dropout) / len(l2)

    fit(1, dropout[:1], l2[:1])
    plain = fit(10, dropout[:1], l2[:1])
    engine.compilations.clear()
    with skreg.stacked(lanes=lanes):
        fit(1)
        stacked = fit(10)
    return stacked, plain, sorted({made for _, made in engine.compilations})


def resident_sizes():
    sizes = []
    for seed in range(8):
        stacked_search(epochs=3, seed=seed)
        with open("/proc/self/statm") as statm:
            sizes.append(int(statm.read().split()[1]) * 4096 / 1e6)
    return sizes


def memory():
    print("\nMemory: 8 searches of 250 fits in one process")
    _, *sizes = in_new_process("resident_sizes")
    print("  resident after each:", *(f"{size:.0f}" for size in sizes), "MB")
    print(f"  growth {sizes[-1] - sizes[0]:+.1f} MB (target below 50)")


def share():
    pipeline = make_pipeline(StandardScaler(), network(dropout=0.2, l2=1e-4))
    plain = partial(cross_val_score, pipeline, *DATA, cv=5)
    seconds = interleaved({"plain": plain, "stacked": skreg.stacked()(plain)})
    print("\nShare: cross_val_score of 5 folds (as search)")
    print("  plain {plain:.3f} s, stacked {stacked:.3f} s".format(**seconds))
    print(f"  plain / stacked: {seconds['plain'] / seconds['stacked']:.2f}")


CASES = (search, structural, rate, where, table, memory, share)
CASES = {case.__name__: case for case in CASES}

if __name__ == "__main__":
    run(CASES)

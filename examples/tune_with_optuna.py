"""
What does Optuna gain on random search?
=======================================

Better candidates, or fewer epochs?

Better candidates would be OptunaSearchCV's, whose sampler (TPE) learns from trials
that are done; its four threads train in the same stacks. Fewer epochs are what pruning
promises: a trial trains epoch by epoch with ``partial_fit``, and is given up when it
falls behind the others. Digits, 600 rows to search on and the others to judge.

Found: both, a little. Of 20 candidates, TPE's winners have less cross-entropy than
random search's, by 0.01 to 0.02 in the folds and 0.02 on the other rows. The standard
errors, 0.004 to 0.02, differ from run to run, as threads end in any order: three splits
do not settle it. And TPE takes several times as long, as four trials at a time fill
small stacks. Median pruning found the very same best trials with a fifth fewer epochs;
Hyperband saved more than a quarter, and lost 0.01 of validation loss in one split of
three.
"""

import time
import warnings

import numpy as np
import optuna
import pandas as pd
from joblib import Parallel, delayed
from optuna.distributions import FloatDistribution
from optuna_integration import OptunaSearchCV
from scipy.stats import loguniform, uniform
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    RandomizedSearchCV,
    StratifiedKFold,
    train_test_split,
)

import skreg

SPACE = {
    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "l2": FloatDistribution(1e-6, 1e-2, log=True),
    "dropout": FloatDistribution(0.0, 0.7),
    "gaussian_noise": FloatDistribution(0.0, 1.0),
}
PRUNERS = {
    "none": optuna.pruners.NopPruner(),
    "median": optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    "hyperband": optuna.pruners.HyperbandPruner(min_resource=2, max_resource=20),
}


def network(epochs, seed):
    return skreg.MLPRegularizedClassifier((64,), epochs=epochs, random_state=seed)


def halves(X, y, split):
    return train_test_split(X, y, train_size=600, stratify=y, random_state=split)


def of_scipy(values):
    """The same distribution for scikit-learn's searches."""
    if values.log:
        return loguniform(values.low, values.high)
    return uniform(values.low, values.high - values.low)


def searches(split, n_trials=20, epochs=20):
    """Random search, and OptunaSearchCV with as many candidates."""
    model = network(epochs, split)
    folds = StratifiedKFold(3, shuffle=True, random_state=split)
    same = {"cv": folds, "scoring": "neg_log_loss", "random_state": split}
    space = {name: of_scipy(values) for name, values in SPACE.items()}
    return {
        "random": RandomizedSearchCV(model, space, n_iter=n_trials, **same),
        "TPE": OptunaSearchCV(model, SPACE, n_trials=n_trials, n_jobs=4, **same),
    }


def compare_candidates(X, y, n_splits=3, **sizes):
    """One row a search and split: its time, and how good its winner is."""
    rows = {}
    for split in range(n_splits):
        X_train, X_test, y_train, y_test = halves(X, y, split)
        for name, search in searches(split, **sizes).items():
            start = time.perf_counter()
            with skreg.stacked():
                search.fit(X_train, y_train)
            rows[name, split] = {
                "seconds": time.perf_counter() - start,
                "loss in folds": -search.best_score_,
                "loss held out": -search.score(X_test, y_test),
            }
    return pd.DataFrame(rows).T.rename_axis(["search", "split"])


def prune(pruner, X, y, seed, n_trials=12, epochs=20):
    """A finished study, whose trials hold the validation loss after each epoch."""
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, test_size=1 / 3, stratify=y, random_state=seed
    )

    def objective(trial):
        model = network(epochs, seed).set_params(schedule="cosine", warmup=0.1)
        for name, values in SPACE.items():
            value = trial.suggest_float(name, values.low, values.high, log=values.log)
            model.set_params(**{name: value})
        for epoch in range(1, epochs + 1):
            model.partial_fit(X_train, y_train, classes=np.unique(y))
            loss = log_loss(y_val, model.predict_proba(X_val))
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return loss

    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(
        sampler=sampler,
        pruner=PRUNERS[pruner],
        study_name=f"{pruner} {seed}",  # by which Hyperband draws brackets
    )
    study.optimize(objective, n_trials)
    return study


def compare_pruners(X, y, n_splits=3, **sizes):
    """One row a pruner and split: its epochs, and the best validation loss."""
    tasks = {
        (pruner, split): delayed(prune)(
            pruner, *halves(X, y, split)[::2], split, **sizes
        )
        for pruner in PRUNERS
        for split in range(n_splits)
    }
    with skreg.stacked():  # a study is one thread, and all of them share stacks
        studies = dict(zip(tasks, Parallel()(tasks.values()), strict=True))
    rows = {
        key: {
            "epochs": sum(len(trial.intermediate_values) for trial in study.trials),
            "pruned": sum(trial.state.name == "PRUNED" for trial in study.trials),
            "best loss": study.best_value,
        }
        for key, study in studies.items()
    }
    return pd.DataFrame(rows).T.rename_axis(["pruner", "split"])


def report(rows, baseline):
    """The table, and what differs from its baseline, split by split."""
    print(rows.to_string(float_format="{:.4g}".format))
    for name in rows.index.unique(0).drop(baseline):
        more = (rows.loc[name] - rows.loc[baseline]).filter(regex="loss|epochs")
        print(f"\n{name} over {baseline}, mean and standard error")
        print(more.agg(["mean", "sem"]).T.to_string(float_format="{:.3f}".format))


def main():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", module="optuna|__main__")  # what is experimental
    X, y = load_digits(return_X_y=True)
    report(compare_candidates(X, y), "random")
    print()
    report(compare_pruners(X, y), "none")


if __name__ == "__main__":
    main()

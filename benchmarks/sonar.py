"""What a search really reaches on 208 sonar echoes: ten folds, ten times, nested.

    python benchmarks/sonar.py [repeats]

In each of the ten folds (stratified, shuffled anew by each repeat) the search of
remedies sees the other nine alone. Beside it: the defaults, an ensemble of eight, and
scikit-learn's MLPClassifier. Published for comparison: 0.86, the ten-fold mean of tuned
networks in TabZilla (McElfresh et al., NeurIPS 2023), and 0.84, the single split of
many a course.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skreg
from skreg import MLPRegularizedClassifier, RegularizationSearchCV
from skreg.datasets import load_sonar

CANDIDATES = 27

MODELS = {
    "search of remedies": RegularizationSearchCV(
        MLPRegularizedClassifier(random_state=0), n_iter=CANDIDATES, random_state=0
    ),
    "defaults": MLPRegularizedClassifier(random_state=0),
    "defaults, 8 members": MLPRegularizedClassifier(n_members=8, random_state=0),
    "MLPClassifier, scaled": make_pipeline(
        StandardScaler(), MLPClassifier(max_iter=1000, random_state=0)
    ),
}


def main(repeats=10):
    X, y = load_sonar()
    found = {name: [] for name in MODELS}
    start = time.perf_counter()
    for repeat in range(repeats):
        folds = StratifiedKFold(10, shuffle=True, random_state=repeat)
        for name, model in MODELS.items():
            with skreg.stacked():
                scores = cross_val_score(model, X, y, cv=folds)
            found[name].append(scores.mean())
        means = {name: round(float(s[-1]), 3) for name, s in found.items()}
        print(
            f"{repeat + 1:3d} {time.perf_counter() - start:6.0f} s {means}", flush=True
        )
    print(f"\n{'accuracy':24} mean of ten folds, mean and deviation over the repeats")
    for name, means in found.items():
        print(f"{name:24} {np.mean(means):.3f} {np.std(means, ddof=1):.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

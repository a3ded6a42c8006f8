"""
Does a network that goes on learning follow a drift?
====================================================

A network that was trained once gets old where the world changes. Does it keep up if it
goes on learning, part by part, with ``partial_fit``? The districts of California,
sorted from north to south, are a stream of which the order is ours, but not the drift:
what a house costs depends on the place, which the models are not told.

Found: it does. The frozen network is soon nearly twice as wrong as one that goes on
learning, and worse than a linear model of the last 2,000 districts. Five passes over
each part are as good as a network that is trained anew before each part, and the
learning rate hardly matters between 0.0003 and 0.01. It is no help to forget: passes
over new rows and old ones together are a little better yet, at twice the rows. Parts
that follow each other are alike, so that the standard errors are too small; the gains
over the frozen network are some ten times as large.
"""

# %%
# Districts of California, from north to south, as a stream. The models see what the
# districts are, but not where they lie: what a house of the same size costs changes on
# the way. The next 400 districts are predicted before their values are known.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

import skreg
from skreg.datasets import load_california_housing

X, y = load_california_housing(as_frame=True)
latitude = X["Latitude"].to_numpy()
order = np.argsort(-latitude, kind="stable")
latitude, y = latitude[order], y.to_numpy()[order]
X = X.drop(columns=["Latitude", "Longitude"]).to_numpy()[order]
START, STEP = 2000, 400
parts = range(START, len(X) - STEP + 1, STEP)

# %%
# All begin with the 2,000 northernmost districts. The frozen network stays as it was
# then. Others pass five times over each part, once its values are known, with
# ``partial_fit``, whose rate is constant; one goes over parts from before, too, drawn
# at random.
network = skreg.MLPRegularizedRegressor(
    (64, 64), l2=0.001, batch_size=64, random_state=0
)


def stream(passes, rate, replay=False):
    """Predictions of each part, of one network that goes on learning."""
    rng = np.random.default_rng(0)
    learner = clone(network).set_params(learning_rate=rate)
    for _ in range(20):
        learner.partial_fit(X[:START], y[:START])
    predictions = []
    for start in parts:
        rows = np.arange(start, start + STEP)
        predictions.append(learner.predict(X[rows]))
        for _ in range(passes):
            old = rng.integers(start, size=STEP) if replay else rows
            seen = np.r_[rows, old] if replay else rows
            learner.partial_fit(X[seen], y[seen])
    return np.concatenate(predictions)


def anew(model, start):
    """Predictions of a part, of a model of the 2,000 districts before it."""
    model = clone(model).fit(X[start - START : start], y[start - START : start])
    return model.predict(X[start : start + STEP])


# %%
# They are compared with models that are fitted anew before each part, on the last 2,000
# districts: a linear one and a network.
with skreg.stacked():
    streams = {
        "frozen": delayed(stream)(0, 0.001),
        "rate 0.0003": delayed(stream)(5, 0.0003),
        "rate 0.001": delayed(stream)(5, 0.001),
        "rate 0.01": delayed(stream)(5, 0.01),
        "0.001, with old rows": delayed(stream)(5, 0.001, replay=True),
    }
    predictions = dict(zip(streams, Parallel()(streams.values()), strict=True))
    for name, model in {
        "linear, anew": LinearRegression(),
        "network, anew": clone(network).set_params(epochs=20),
    }.items():
        predictions[name] = np.concatenate(
            Parallel()(delayed(anew)(model, start) for start in parts)
        )

# %%
# The mean absolute error, in $100,000, and what it is less than the frozen network's,
# part by part.
stop = START + STEP * len(parts)
errors = pd.DataFrame(
    {
        name: np.abs(p - y[START:stop]).reshape(-1, STEP).mean(axis=1)
        for name, p in predictions.items()
    },
    index=latitude[START:stop].reshape(-1, STEP).mean(axis=1),
)
gains = -errors.sub(errors["frozen"], axis=0)
table = pd.DataFrame(
    {
        "error": errors.mean(),
        "gain": gains.mean(),
        "standard error": gains.sem(),
    }
)
print(table.to_string(float_format="{:.3f}".format))
old = errors["rate 0.001"] - errors["0.001, with old rows"]
print(f"\nold rows save {old.mean():.3f}, standard error {old.sem():.3f}")

# %%
figure, ax = plt.subplots(figsize=(9, 4.2), layout="constrained")
smooth = errors.rolling(5, center=True, min_periods=1).mean()
for name, color, style in (
    ("frozen", "#8c8c8c", "-"),
    ("linear, anew", "#8c8c8c", "--"),
    ("rate 0.0003", "#dd8452", ":"),
    ("rate 0.001", "#dd8452", "-"),
    ("rate 0.01", "#c03d3e", "-"),
    ("network, anew", "#4c72b0", "-"),
):
    ax.plot(np.arange(len(parts)), smooth[name], style, color=color, label=name)
ticks = np.arange(0, len(parts), 6)
ax.set_xticks(ticks, [f"{errors.index[i]:.1f}°" for i in ticks])
ax.set(
    xlabel="latitude of the part, on the way from north to south",
    ylabel="mean absolute error, $100,000\n(mean of five parts)",
    ylim=0,
)
ax.legend(frameon=False, ncols=2, loc="lower right")
plt.show()

"""Files: estimators, weights, checkpoints and the results of a search."""

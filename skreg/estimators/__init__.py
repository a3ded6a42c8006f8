"""The classifier and the regressor: how they are fitted, and what they can do then."""

"""The same effect by other roads: weights, imputation, other choices, unmeasured confounding."""

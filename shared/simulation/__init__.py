"""Listeners who do not exist, with tastes that are known: what recommendations, experiments and
bandits are tested against. See README.md for the model and its formulas."""

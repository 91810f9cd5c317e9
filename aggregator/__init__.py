"""The portfolio from events: a pure core that folds, prices and values, and its edge on the bus."""

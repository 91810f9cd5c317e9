"""Collectors: one per exchange, each reads balances and prices and publishes them as events."""

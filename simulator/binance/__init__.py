"""Binance's REST interface, as far as a read-only collector of balances and prices uses it."""

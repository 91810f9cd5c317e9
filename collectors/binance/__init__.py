"""Binance: spot account, funding wallet and Simple Earn, read with keys that can do nothing but read."""

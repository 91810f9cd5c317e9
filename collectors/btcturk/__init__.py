"""BTCTurk | Kripto: one spot account, read with a key that may only view."""

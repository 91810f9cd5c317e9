"""Settings: read once, checked whole, frozen, and handed to the parts that need them."""

"""The thin API: it serves the newest state and computes nothing."""

"""Timings for `make bench`: rates and ratios on this machine; no test asserts them."""

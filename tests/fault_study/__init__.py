"""Planted faults of the hospital's files, and what the gates say of each: `make fault-study`."""

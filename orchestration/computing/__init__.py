"""Families of statistics computed in processes beside the night's own, two at a time, while the gates judge."""

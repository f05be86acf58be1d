"""Nights that break, and the nights after them."""

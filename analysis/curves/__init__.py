"""What needs no model: curves, their limits and the tests between them."""

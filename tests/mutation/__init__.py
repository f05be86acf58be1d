"""Changes of single lines and rows, each of which a named test must see: `make mutation`."""

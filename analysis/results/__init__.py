"""Which statistics make which table of the results schema."""

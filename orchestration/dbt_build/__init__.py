"""How the project runs dbt: one parse an installation, a child that ends with its parent."""

"""The report reader at work: as a function of the warehouse, and on anybody's texts."""

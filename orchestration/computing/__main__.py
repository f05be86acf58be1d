"""`python -m orchestration.computing`: see `computer`, whose classes are sent and so must be known by its name."""

from orchestration.nights.uncollected import uncollected

with uncollected():
    from orchestration.computing.computer import main

main()

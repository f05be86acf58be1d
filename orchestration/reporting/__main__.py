"""`python -m orchestration.reporting`: see `drawing`."""

from orchestration.reporting.drawing import main

main()

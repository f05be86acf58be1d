"""What is told of a publication outside the report: summary, trace, notebook, inputs of the report."""

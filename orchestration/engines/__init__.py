"""Where dbt's SQL runs when it does not run in the build file itself: docs/cluster.md."""

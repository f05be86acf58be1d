"""Dagster's page and daemon as a service, behind a guard."""

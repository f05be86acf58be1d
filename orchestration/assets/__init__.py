"""Dagster assets by layer. Each does one step with functions that are tested without Dagster."""

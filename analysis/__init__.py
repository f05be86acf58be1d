"""Survival statistics, tables, figures and the report: frames in, tidy frames out. No database, no scheduler, no files."""

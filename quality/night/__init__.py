"""Judge what changed: rules as data on counts of tonight beside those of the last accepted night."""

from quality.night.judge import change_names, judge_night, list_night_suites

__all__ = ["change_names", "judge_night", "list_night_suites"]

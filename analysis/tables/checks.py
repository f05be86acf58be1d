"""What the tables refuse: values that would silently vanish from them."""

from collections.abc import Collection

import pandas as pd


def require_known(values: pd.Series, known: Collection[object], name: str) -> None:
    """Raise ValueError when a value is missing or not among `known`."""
    if values.isna().any():
        raise ValueError(f"{name}: missing in {int(values.isna().sum())} row(s)")
    unknown = sorted(set(map(str, values[~values.isin(list(known))])))
    if unknown:
        raise ValueError(f"{name}: {', '.join(unknown)} not among {', '.join(map(str, known))}")


def require_one_row_a_patient(frame: pd.DataFrame, name: str) -> None:
    """Raise ValueError when a study_id is missing or stands twice."""
    if frame["study_id"].isna().any() or frame["study_id"].duplicated().any():
        raise ValueError(f"{name}: study_id must be present and unique")

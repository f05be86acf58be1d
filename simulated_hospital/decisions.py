"""The random decisions of a cohort: one column of uniform numbers a decision, independent or quasi-random."""

import numpy as np

DECISIONS = (
    # the first ones get the best-spread Sobol dimensions: they decide what the calibration looks at
    "margin_group", "first_recurrence_time", "pattern", "follow_up", "new_liver_site", "death_without_recurrence",
    "has_multiple_metastases", "is_large", "is_node_positive", "disease_free_interval", "cea", "age",
    "extrahepatic_disease", "hai_pump", "preoperative_chemotherapy", "sex", "primary_site", "operation_date",
    "metastasis_count", "largest_metastasis", "margin_width", "procedure", "organ", "second_organ", "synchronous_gap",
    "salvage", "salvage_time", "salvage_treatment", "no_evidence_time", "death_after_recurrence", "new_site_time",
    "new_site", "recurrence_after_salvage", "site_after_salvage", "other_treatment", "other_treatment_time",
    "cause_of_death", "last_look", "last_contact", "primary_resection",
)  # fmt: skip


def draw_decisions(n_patients: int, seed: int, quasi_random: bool) -> dict[str, np.ndarray]:
    """Uniform (0, 1) numbers, one array of `n_patients` a decision.

    With `quasi_random` they are scrambled Sobol points: each patient is still drawn from the model, but the cohort as a
    whole is spread evenly, so that a large cohort shows the model's values with little Monte-Carlo noise.

    Raises:
        ValueError: fewer than one patient.
    """
    if n_patients < 1:
        raise ValueError(f"a cohort has at least one patient, not {n_patients}")
    if quasi_random:
        from scipy.stats import qmc

        points = qmc.Sobol(len(DECISIONS), seed=seed).random_base2(int(np.ceil(np.log2(n_patients))))[:n_patients]
    else:
        points = np.random.default_rng(seed).random((n_patients, len(DECISIONS)))
    tiny = np.finfo(float).tiny
    return {name: np.clip(points[:, column], tiny, 1 - 1e-16) for column, name in enumerate(DECISIONS)}

"""The covariates of the adjusted models: their columns and their units."""

from typing import NamedTuple


class Covariate(NamedTuple):
    """A column of `index_operations` in an adjusted model; hazard ratios are for `per` units of it."""

    term: str
    column: str
    per: float = 1.0


ADJUSTMENT_COVARIATES = (
    Covariate("age per 10 years", "age_at_operation_years", per=10.0),
    Covariate("node-positive primary", "is_node_positive"),
    Covariate("disease-free interval < 12 months", "has_disease_free_interval_under_12_months"),
    Covariate("more than one metastasis", "has_multiple_metastases"),
    Covariate("largest metastasis > 5 cm", "is_largest_metastasis_over_5_cm"),
    Covariate("CEA > 200 ng/mL", "is_cea_over_200_ng_ml"),
    Covariate("extrahepatic disease", "has_extrahepatic_disease"),
    Covariate("hepatic artery infusion pump", "has_hai_pump"),
)

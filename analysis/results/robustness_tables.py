"""The tables of the further analyses and what each is; without the statistics, so that it loads at once."""

FURTHER_TABLES = {
    "restricted_means": "Mean time lived without the event, or lost to each cause, up to five years",
    "restricted_mean_differences": "Those means of each margin group against >=10 mm: differences with limits",
    "time_varying_hazard_ratios": "Effects in the first, the second and the later years where hazards are not proportional",
    "stratified_tests": "Log-rank and Gray's tests stratified by era",
    "pairwise_hazard_ratios": "Positive against <1 mm, directly",
    "dose_response": "Hazard ratio by margin width in mm, restricted cubic spline: of exact widths, and with bounded ones imputed",
    "dose_response_tests": "Tests of association and of non-linearity of the width",
    "landmark_hazard_ratios": "The models from half a year, one and two years on",
    "covariate_balance": "Standardised differences before and after weighting",
    "weight_summary": "Weights by margin group and the effective number of patients",
    "weighted_hazard_ratios": "Margin effect in patients weighted to be alike (inverse probability of the group)",
    "imputed_hazard_ratios": "Margin effect with missing covariates and unresolved margins imputed, pooled by Rubin's rules",
    "e_values": "How strong an unmeasured confounder would have to be",
    "specification_curve": "Margin effect over cut points, covariate sets, eras, models and synchronous windows",
    "analyses_not_done": "Analyses that the data did not allow, and why",
}

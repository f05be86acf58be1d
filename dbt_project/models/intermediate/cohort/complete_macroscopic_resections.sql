-- First curative hepatectomies that left no visible disease (R2 is excluded; R0 and R1 are told apart by the margin).
select *
from {{ ref('first_curative_hepatectomies') }}
where residual_disease in ('R0', 'R1', 'R0_or_R1')

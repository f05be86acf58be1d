-- Each patient's first hepatectomy with curative intent for colorectal liver metastases. Two records of one day are one operation:
-- that which says that most was left behind stands for it, one that does not say how complete the resection was for none that does.
with ordered as (
    select
        *,
        row_number() over (
            partition by study_id
            order by
                operation_date,
                case residual_disease when 'R2' then 1 when 'R1' then 2 when 'R0_or_R1' then 3 when 'R0' then 4 else 5 end,
                registry_record_id
        ) as operation_number
    from {{ ref('curative_intent_operations') }}
)

select * from ordered
where operation_number = 1

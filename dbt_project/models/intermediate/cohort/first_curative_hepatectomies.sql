-- Each patient's first hepatectomy with curative intent for colorectal liver metastases. Of two records of one day that which says
-- how complete the resection was.
with ordered as (
    select
        *,
        row_number() over (
            partition by study_id
            order by operation_date, case when residual_disease is null then 1 else 0 end, registry_record_id
        ) as operation_number
    from {{ ref('curative_intent_operations') }}
)

select * from ordered
where operation_number = 1

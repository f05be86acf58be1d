-- Each patient's first hepatectomy with curative intent for colorectal liver metastases.
with ordered as (
    select
        *,
        row_number() over (partition by study_id order by operation_date, registry_record_id) as operation_number
    from {{ ref('curative_intent_operations') }}
)

select * from ordered
where operation_number = 1

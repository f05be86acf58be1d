"""`make docs`: one static site of models, columns, lineage, results, example queries and the written pages, read without a network.

Made from what there is already: dbt's manifest, the catalogue of results, published_tables.yml and docs/*.md; nothing is written twice.
"""

"""`crlm export`: a publication in the forms that others read. Everything is read from a published file: nothing restricted can get in.

parquet_folder: every table with a data dictionary. postgres_copy: the same tables in a database, exchanged in one transaction.
adam: CDISC ADaM data sets. cbioportal: the files of a cBioPortal study. What stands in them is said by adam.yml and cbioportal.yml.
"""

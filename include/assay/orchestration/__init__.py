"""Airflow: the only room that imports it. DAG files use `assets` and `work`; the command line uses `pipeline`.

`stack`, `api` and `pipeline` run and follow an Airflow in processes of its own and import none of it themselves.
"""

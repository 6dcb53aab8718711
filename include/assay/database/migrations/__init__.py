"""Alembic migrations; `assay.database.migrate` runs them, nobody types alembic commands against a deployment."""

HEAD = "0010"
"""The newest revision: what a database must be at. A test holds it to the scripts."""

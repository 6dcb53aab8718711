"""What runs on a lab machine: finds complete folders, validates and sends them, and remembers. Needs no database, no Airflow."""

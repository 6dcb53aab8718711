"""The static page that is published with each snapshot: it reads the published JSON and nothing else."""

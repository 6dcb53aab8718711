"""From built documents to one verified snapshot in a Git repository."""

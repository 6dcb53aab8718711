"""PostgreSQL: the tables, their migrations, and the ledger, which says where each session stands."""

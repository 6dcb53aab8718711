"""HTTP: what the ledger knows now, as the documents that the next snapshot will hold and as filtered rows."""

"""The ingestion API: how recordings come from lab machines into raw storage, and nothing else can."""

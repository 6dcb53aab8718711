"""Recordings that have arrived in raw storage: found by an event, by the API's word or by a sweep, and entered in the ledger."""

"""Telling downstream that a snapshot was published: webhook, GitHub dispatch, SNS; each only where it is configured."""

"""The published documents: built from statistics by pure functions, validated against their JSON Schemas, traceable to raw
bytes.
"""

"""Proves raw storage <-> database <-> processed storage for every kind of session: nothing missing, nothing extra, bytes as they
were. What a store lists and what the database expects are two streams in the order of their keys, walked side by side, so that
memory does not grow with the number of objects.
"""

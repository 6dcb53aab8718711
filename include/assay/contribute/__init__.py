"""Contributions: somebody's own session, judged by the same rules in a workspace that is thrown away."""

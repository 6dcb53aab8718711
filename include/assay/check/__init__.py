"""Rules and Great Expectations suites: measurements to verdicts, one session and across sessions."""

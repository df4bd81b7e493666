"""The shell around the rules: HTTP, dialects, journal, recorder, database."""

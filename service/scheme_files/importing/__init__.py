"""A city's own tables into a scheme: recognised, previewed, written whole or not at all, and taken back."""

"""The public contract: scalars as senders write them, the native request and answer, words for people."""

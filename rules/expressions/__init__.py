"""Conditions (条件): a small typed language for rules that no kind foresaw. Nothing an author writes is ever executed.

In: the text of a condition, a message or a specimen, as it stands in a cell. Out: a checked tree and closures over one
line or visit. ``grammar`` reads text with the standard library's parser and refuses all but a short list of forms;
``checking`` gives every part a type; ``evaluate`` turns the result into closures that never raise and answer in
Kleene's three values, since absent is not false. ``fields`` and ``functions`` are all that a condition can read.
"""

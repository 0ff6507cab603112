"""Grading: what measures the autograder, and what whole classes need."""

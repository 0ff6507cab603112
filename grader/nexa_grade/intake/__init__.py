"""Intake: from what was handed in to a notebook that can be read."""

"""Repair: damaged cells are put right against the release."""

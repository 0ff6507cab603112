"""Forgery: signs that a submission looks for points instead of an answer."""

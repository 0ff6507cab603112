"""A run: many submissions at once, each graded once, nothing lost."""

"""Code that the notebook carries and nobody has to read."""

"""Execution: run a notebook, bounded, guarded and in a sandbox."""

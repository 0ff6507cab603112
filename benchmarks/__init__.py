"""Measurements. Each is ``python -m benchmarks.<name>``; ``make benchmarks`` runs them all."""

"""What a kernel of the course imports, and takes seconds to: kernels are forked with it."""

SLOW = ("torch", "transformers", "datasets", "peft", "sklearn.metrics")

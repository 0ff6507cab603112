"""Reference implementations of the NexaCode course, one module per section of the notebook."""

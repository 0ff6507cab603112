"""Reference implementations of the NexaCode course, one module a section of the notebook."""

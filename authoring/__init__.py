"""The author's tools: from the source notebook to what students and instructors get."""

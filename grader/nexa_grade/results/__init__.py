"""Results: what students, platforms and the instructor get to see."""

"""Grade any nbgrader course: in parallel, in a sandbox, repaired and watched; nothing is lost."""

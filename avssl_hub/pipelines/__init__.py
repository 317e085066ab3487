"""User tasks from file to answer: one module a task."""

"""When what sellers earned becomes available: terms, sales that wait, and those that are due."""

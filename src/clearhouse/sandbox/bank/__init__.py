"""A bank that takes payment files, pays, rejects and returns, and answers in files."""

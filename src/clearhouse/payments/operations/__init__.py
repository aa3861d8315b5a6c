"""What is done to a charge that exists: captures, voids and refunds, each once."""

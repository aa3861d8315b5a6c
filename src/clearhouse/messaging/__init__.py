"""How services tell each other facts, exactly once: catalogue, outbox, consumers, dead letters."""

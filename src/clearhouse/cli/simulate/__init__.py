"""``clearhouse simulate``: a year of a marketplace in minutes, with every cent accounted for."""

"""What the platform takes of a sale: plans, who has which, and how a fee comes about."""

"""What stops a seller's payouts: by a person, by a dispute, by new bank details."""

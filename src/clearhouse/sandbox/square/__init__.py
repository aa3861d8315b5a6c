"""Square's API v2 as far as clearhouse uses it: payments and locations."""

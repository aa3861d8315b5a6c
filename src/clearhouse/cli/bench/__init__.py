"""``clearhouse bench``: our figures beside pgbench's, on one server, in one run."""

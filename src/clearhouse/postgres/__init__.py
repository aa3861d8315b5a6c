"""PostgreSQL: connections, the embedded server, group commit, named queries, migrations."""

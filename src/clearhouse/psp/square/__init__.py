"""Square, through its official SDK."""

"""What the platform earns of sellers' sales, after what the PSPs take."""

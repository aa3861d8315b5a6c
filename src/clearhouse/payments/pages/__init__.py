"""Payment pages: where the buyer pays, so that card data never comes near us."""

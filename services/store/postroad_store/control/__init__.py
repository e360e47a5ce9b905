"""What the store's control door offers: one module per noun, each with its routes (`postroad.control.door`)."""

"""The subscription service's tables, and how they are loaded and saved."""

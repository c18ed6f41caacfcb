"""The notifier's tables, and how they are loaded and saved."""

"""The service clock and, with the test clock on, its barrier."""

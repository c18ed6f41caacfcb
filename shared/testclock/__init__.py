"""The service clock and, with the test clock on, the barrier that follows each of its advances."""

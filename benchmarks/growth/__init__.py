"""`python -m benchmarks growth`: whether an event, a timer and an empty look stay as cheap however much there is."""

"""Tells: consumes the lifecycle, sends emails and internal messages."""

"""Mail that comes back: the address that it comes back to (`address`)."""

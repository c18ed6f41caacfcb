"""Mail that comes back: the address that it comes back to (`address`), and what is reported of it (`report`). Pure."""

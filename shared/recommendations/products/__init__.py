"""What people see: lists made for them, each item with its reason."""

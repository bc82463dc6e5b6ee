"""What people played: the events of their players, and the history made of them."""

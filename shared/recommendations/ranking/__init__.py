"""Which of the candidates come first: the chance of a skip and of a completion."""

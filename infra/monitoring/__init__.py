"""What people watch and are told of a stack, as data; `infra/components/operations` makes it."""

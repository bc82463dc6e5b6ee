"""The product: one package per feature, on top of `shared.platform`."""

"""The rules. Every module or package here is a family; whatever it declares with `rule` is found."""

"""The breaks; a module or a package here is a family."""

"""Who may do what: statements of roles, resources, keys, and whom a role trusts."""

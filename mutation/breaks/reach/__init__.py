"""Who reaches whom: routes, subnets, groups, endpoints and names."""

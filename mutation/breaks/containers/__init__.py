"""The service, its task, how it is deployed and how it grows; and the function."""

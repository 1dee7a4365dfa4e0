"""What is measured, who is told, and whether it can ever be heard."""

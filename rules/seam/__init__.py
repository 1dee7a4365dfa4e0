"""What every family of rules stands on: declaring a rule, judging a tree, and telling cfn-lint."""

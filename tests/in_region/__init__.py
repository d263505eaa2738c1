"""The examples that offer load from the target's region: their scripts, Terraform, image and workflows."""

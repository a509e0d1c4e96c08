"""What people see: the page with its files, and printed documents."""

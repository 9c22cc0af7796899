"""What people see: the live block, lines, lists and reports. Values in, text out."""

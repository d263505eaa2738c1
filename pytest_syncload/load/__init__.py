"""Phase → result: when arrivals are due, how they go out, what became of them. Knows no CloudWatch and no pytest."""

"""What publishing and following mean. The rest of the product knows this interface and no broker."""

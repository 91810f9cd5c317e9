"""The contract: what the parts say to each other. Pure: nothing here does IO, reads a clock or logs."""

"""What a night would make of a file: `crlm validate`."""

"""One module a family of formats: bytes to an `Extract`. Imported only when a file of that format turns up."""

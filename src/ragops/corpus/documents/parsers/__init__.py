"""One module for each family of formats: file to `Extract`. Imported only when a file of that format appears."""

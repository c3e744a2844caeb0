"""Groups of the command line, one module each; `ragops.cli` puts them together."""

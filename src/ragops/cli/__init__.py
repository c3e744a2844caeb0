"""Groups of the command line, one module each; `ragops.cli.app` puts them together."""

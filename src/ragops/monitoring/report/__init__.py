"""The status page: one HTML file with pictures, for `ragops monitor`, the server's /status, and the run's artifacts."""

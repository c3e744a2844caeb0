"""The chain for people and programs: an HTTP server with an API, a page and MCP."""

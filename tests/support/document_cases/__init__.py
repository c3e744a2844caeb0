"""Small files that people's documents are like, and what a reader of each expects to find: a module for each format."""

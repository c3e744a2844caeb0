"""Finds what is wrong with a running system before its users do: reads it, checks it, keeps what was found."""

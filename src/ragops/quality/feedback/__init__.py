"""What people were answered and what they think of it: saved as files, collected into tables, written on traces."""

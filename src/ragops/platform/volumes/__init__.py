"""Access to files on volumes: by path where a volume is mounted, through the Files API elsewhere.

A volume is object storage. A file on it is written from beginning to end, and exists once it is closed; it is replaced
as a whole or removed. It is never renamed, linked, appended to or locked, and its mode and time are never changed. So
completeness is marked by a file that is written last, and nothing here needs more than a volume supports.
"""

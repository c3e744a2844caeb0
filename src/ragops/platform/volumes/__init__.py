"""The one way to files on volumes: whole files, by path where a volume is mounted, through the Files API elsewhere.

A volume is object storage. A file on it is written from beginning to end and is there once it is closed; it is replaced
as a whole or removed. It is never renamed, linked, appended to, locked, or given a mode or a time. What counts as
finished is therefore said by a file that is written last, and nothing here needs more than a volume has.
"""

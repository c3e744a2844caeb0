"""The parameters of jobs as typed objects, a module a job: checked before a run, and read by its notebooks.

Import the module of the job: another's may need packages that are not installed where this one runs.
"""

"""The parameters of jobs and their tasks as typed objects, one module for each job.

A job's check reads them before a run, its notebooks during the run. Import only the module of the job: another one may
need packages that are not installed in this job's environment.
"""

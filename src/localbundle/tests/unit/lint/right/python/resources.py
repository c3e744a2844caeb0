from databricks.bundles.core import Bundle, Resources, Variable, variables
from databricks.bundles.jobs import Job


@variables
class Variables:
    catalog: Variable[str]


def load_resources(bundle: Bundle) -> Resources:
    resources = Resources()
    catalog = bundle.resolve_variable(Variables.catalog)
    task = {"task_key": "t", "notebook_task": {"notebook_path": "n.py", "base_parameters": {"catalog": catalog}}}
    resources.add_job("from_python", Job.from_dict({"name": "from_python", "tasks": [task]}))
    return resources

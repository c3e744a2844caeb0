"""From landing files to the table `documents`: changed files are parsed to Markdown, or quarantined with a reason."""

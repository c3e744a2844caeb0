"""From landing files to the table `documents`: what changed, parsed to Markdown, or quarantined with a reason."""

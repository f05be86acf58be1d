"""Patient rows and exact counts on their way into a statistic: checked, named, complete, as numbers."""

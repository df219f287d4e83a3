"""The rows as tables, JSON, and one page of HTML."""

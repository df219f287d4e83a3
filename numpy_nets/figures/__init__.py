"""Pictures, drawn by Matplotlib and written to PNG files."""

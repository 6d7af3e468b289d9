"""What any backend would need and no hospital knows about."""

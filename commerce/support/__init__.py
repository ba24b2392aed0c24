"""What support staff look at across the rooms."""

"""What viewers see live: the hub, the framing of events, snapshots."""

"""From raw frames to packet columns: link, network and transport headers."""

"""What joins Hitpoint and the editors: scripts for their folders, a link on this machine, a watch folder."""

"""What the three packages share: errors and the one way to write a file. Standard library only."""

"""What the book generates and checks about itself: tables from measurements, numbers in prose."""

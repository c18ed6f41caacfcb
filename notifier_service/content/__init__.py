"""What a notification says: letters, words, rendering, the calendar file."""

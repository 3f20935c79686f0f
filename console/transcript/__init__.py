"""Transcripts as they are read: event by event, by turn, by their words; who looked at them."""

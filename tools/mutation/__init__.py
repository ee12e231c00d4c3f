"""Measure what the tests notice: wrong ideas from a catalogue, and a sample of mechanical mutations."""

"""Find out by evidence what an attempt with an unknown outcome did."""

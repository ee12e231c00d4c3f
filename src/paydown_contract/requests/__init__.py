"""Build, sign and percent-encode the raw requests of an examination."""

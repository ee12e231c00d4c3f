"""Examine a server: send every variant of every request, judge the answers, collect and write the findings."""

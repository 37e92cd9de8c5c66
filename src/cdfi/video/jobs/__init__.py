"""Resumable work: a job, its segments, its work folder and the finished file."""
